"""The bar of naming: streams with a seeded change, what counts as right, and what the line counts."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from judged import world as judges
from watch_3 import (
    AFTER,
    BEFORE,
    CALIBRATION,
    CAUSES,
    JUDGE,
    Desk,
    Tried,
    desk,
    desks,
    of_judges,
    stream,
    summary,
    tried,
)

from homeostat.builtin.resources import traffic_path

ONSET = CALIBRATION + BEFORE
GOOD = Tried("hwu64", "tag", alarmed=True, right=True, sure=True, within=True)
CALM = Tried("hwu64", "none", alarmed=True)


@cache
def made() -> Desk:
    """A desk of twelve intents with words of their own."""
    rng = np.random.default_rng(0)
    words = [[f"w{i}x{k}" for k in range(8)] for i in range(12)]
    rows = [
        {"text": " ".join(["please", *rng.choice(words[k % 12], 4), "now"]), "label": f"intent {k % 12}"}
        for k in range(2_400)
    ]
    return desk(
        "made",
        rows,
        {
            "cyrillic": ["Где моя посылка и когда она придет", "Верните мои деньги"] * 40,
            "de": ["Wo ist mein Paket und wann kommt es an", "Geben Sie mir bitte mein Geld zurück"] * 40,
        },
        0,
        columns=256,
    )


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_moves_what_it_says(cause: str) -> None:
    """Nothing before the change; since then its share of the requests, and those alone, carry the mark."""
    seeded, rows = stream(made(), cause, np.random.default_rng(1))
    assert len(rows) == ONSET + AFTER
    marked = np.array([bool(row.episode) for row in rows])
    assert not marked[:ONSET].any()
    share = 0.3 if cause == "upstream" else 0.2
    assert marked[ONSET:].mean() == pytest.approx(share, abs=0.05)
    hit = [row for row in rows if row.episode]
    if cause in ("tag", "upstream"):
        assert {f"{seeded.split('=')[0]}={row.tags[seeded.split('=')[0]]}" for row in hit} == {seeded}
    if cause == "length":
        assert np.mean([len(row.text.split()) for row in hit]) > 15
    if cause == "topic":
        assert {row.text for row in hit} <= {row.text for row in made().unknown[seeded]}


@pytest.mark.parametrize("cause", ["upstream", "length"])
def test_a_plain_change_is_named(cause: str) -> None:
    """On texts whose intents share no word the alarm comes and the first slice is the right one."""
    found = tried(made(), cause, 1)
    assert (found.alarmed, found.right) == (True, True)


@pytest.mark.slow
def test_a_judge_is_named() -> None:
    """Of two, the one that was changed, and by a signal about it alone."""
    found = of_judges(judges(), 0)
    assert (found.cause, found.alarmed, found.right) == ("judge", True, True)


def test_what_the_bar_asks_for() -> None:
    """Nine in ten of 200 alarms, and few false alarms at which something is called certain; silence counts apart."""
    wrong, silent = replace(GOOD, right=False), Tried("hwu64", "tag", alarmed=False)
    rest = [*(replace(silent, cause=cause) for cause in (*CAUSES, JUDGE)), *[CALM] * 40]
    quiet = [silent] * (50 - len(CAUSES) - 1)
    line = summary([*[GOOD] * 190, *[wrong] * 10, *quiet, *rest], 1.0, quick=False)
    assert line["met"] is True
    assert (line["value"], line["n"]) == (0.95, 200)
    assert line["interval"] == pytest.approx([0.9100, 0.9758], abs=1e-3)
    assert line["of_all"][0] == 0.76
    assert line["by"]["tag"] == {"right": [0.95, *line["interval"], 200], "alarmed": line["by"]["tag"]["alarmed"]}
    assert summary([*[GOOD] * 150, *rest], 1.0, quick=False)["met"] is False
    assert summary([*[GOOD] * 170, *[wrong] * 30, *rest], 1.0, quick=False)["met"] is False
    alert = [replace(CALM, named=True)] * 10
    assert summary([*[GOOD] * 200, *alert, *rest], 1.0, quick=False)["met"] is False
    assert summary([*[GOOD] * 200, *[CALM] * 40], 1.0, quick=False)["met"] is False


@pytest.mark.slow
def test_without_the_files_the_built_in_desk_is_left(tmp_path: Path) -> None:
    """No streams and no languages: one desk, and no other scripts."""
    if not traffic_path().exists():
        pytest.skip("the built-in traffic is not there")
    (one,) = desks(tmp_path, tmp_path / "none.xz", 1)
    assert one.name == "builtin"
    assert one.foreign == {}
    assert len(one.unknown) >= 2
