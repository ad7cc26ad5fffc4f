"""The bar of accuracy without labels: windows that are drawn otherwise, and what the line counts."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from spared import BLIND, Saved
from watch_4 import SHIFTS, TRICKLE, WAYS, Found, Replies, Tried, drawn, lot, replies, shown, summary, tried

GOOD = Tried(
    inside=dict.fromkeys(WAYS, True),
    width={**dict.fromkeys(WAYS, 0.1), "oracle": 0.08},
    refused=True,
    asked=True,
    settled=True,
    doubted=False,
)
JUDGE = Saved(
    agreement=0.7,
    needed=190.0,
    saved=[0.47, 0.45, 0.49],
    expected=0.46,
    plain=[0.95, 0.94, 0.96],
    powered=[0.95, 0.94, 0.96],
    width=0.12,
    n=3000,
)
SPARED = {"a": {"strong judge": JUDGE, BLIND: replace(JUDGE, agreement=0.0, saved=[0.01, 0.0, 0.02])}}
MISSED = replace(GOOD, inside=dict.fromkeys(WAYS, False))


def made(n: int = 2000) -> Replies:
    """Replies in four domains, of which the later ones are harder."""
    rng = np.random.default_rng(0)
    domain = rng.integers(0, 4, n)
    sure = 1 / (1 + np.exp(-rng.normal(2.0 - domain, 1.0, n)))
    return Replies(sure, (rng.random(n) < sure).astype(float), sure, domain, rng.integers(2, 30, n).astype(float))


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_window_is_drawn_otherwise(shift: str) -> None:
    """Each shift moves what it says it moves, both ways over many windows, and takes rows that are left alone."""
    of, rng = made(), np.random.default_rng(1)
    moved = {"domain": of.domain, "difficulty": of.sure, "length": of.words, "none": of.sure}[shift]
    rest = np.arange(400, 2000)
    means = []
    for _ in range(40):
        window = drawn(of, shift, rest, rng)
        assert set(window.tolist()) <= set(rest.tolist())
        assert len(set(window.tolist())) == len(window) >= 100
        means.append(moved[window].mean())
    spread, alone = np.std(means), moved.std() / np.sqrt(300)
    assert spread > 3 * alone if shift != "none" else spread < 2 * alone


@pytest.mark.slow
def test_a_changed_meaning_is_refused_and_one_that_holds_is_not() -> None:
    """On made replies: labels contradict where a third has become wrong, and the truth lies inside where it holds."""
    rng = np.random.default_rng(2)
    found = [tried(made(), SHIFTS[k % 4], rng) for k in range(80)]
    assert np.mean([one.refused for one in found]) > 0.5
    assert np.mean([one.doubted for one in found]) < 0.1
    assert np.mean([one.inside["held"] for one in found]) > 0.87
    assert all(one.width["held"] > one.width["oracle"] * 0.9 for one in found)


def test_a_changed_meaning_is_seen_with_the_labels_that_are_asked_for() -> None:
    """Without labels nothing is refused and labels are asked for; with as many as that it is refused, for what was
    known of confidence no longer holds; and where it holds the same labels refuse nothing.
    """
    of, rng = made(), np.random.default_rng(4)
    outcome = (rng.random(len(of.sure)) < of.likely).astype(float)
    before = (of.sure[:400], outcome[:400])
    refused, doubted = [], []
    for k in range(12):
        window = slice(500 + 100 * k, 800 + 100 * k)
        worse = outcome[window] * (rng.random(300) < 0.5)
        none = shown(before, of.sure[window], worse, 0)
        assert none.estimated is not None
        assert none.wanted > TRICKLE
        refused.append(shown(before, of.sure[window], worse, none.wanted).estimated is None)
        doubted.append(shown(before, of.sure[window], outcome[window], none.wanted).estimated is None)
    assert sum(refused) >= 11
    assert sum(doubted) <= 1


def line(windows: list[Tried], spared: dict[str, dict[str, Saved]] | None = None) -> dict[str, object]:
    """The bar's line of these windows."""
    found = Found([("a", "none", one) for one in windows], SPARED if spared is None else spared)
    return summary(found, 1.0, quick=False)


def test_what_the_bar_asks_for() -> None:
    """Two thousand windows with the lower bound of the coverage at 93 %, and most changed meanings refused."""
    found = [("a", "none", GOOD)] * 1900 + [("a", "length", MISSED)] * 100
    made_line = summary(Found(found, SPARED), 1.0, quick=False)
    assert made_line["met"] is True
    assert made_line["value"] == made_line["interval"][0] == pytest.approx(0.9394, abs=1e-3)
    assert made_line["by"] == {"a, none": dict.fromkeys(WAYS, 1.0), "a, length": dict.fromkeys(WAYS, 0.0)}
    assert made_line["wider"] == [1.25, 1.25, 1.25]
    assert summary(Found(found[:1900], SPARED), 1.0, quick=False)["met"] is False
    assert summary(Found(found + found[-100:], SPARED), 1.0, quick=False)["met"] is False


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"refused": False}, "refuses"),
        ({"asked": False}, "refuses_or_asks"),
        ({"settled": False}, "refuses_with_labels"),
        ({"width": {**dict.fromkeys(WAYS, 0.3), "oracle": 0.1}}, "narrow"),
    ],
)
def test_what_else_it_asks_for(change: dict[str, object], lacks: str) -> None:
    """A line says by name what is missing, and that alone."""
    found = line([replace(GOOD, **change)] * 2000)  # type: ignore[arg-type]
    assert found["met"] is False
    assert [name for name, kept in found["asked"].items() if not kept] == [lacks]  # type: ignore[attr-defined]


def test_labels_have_to_be_saved_too() -> None:
    """A good judge that saves nothing for sure, or an interval that does not keep its word, and the bar is not met."""
    unsure = {"a": {**SPARED["a"], "strong judge": replace(JUDGE, saved=[0.1, -0.01, 0.2])}}
    assert line([GOOD] * 2000, unsure)["met"] is False
    assert line([GOOD] * 2000, {})["met"] is False
    assert line([GOOD] * 2000)["spared"]["a"]["strong judge"]["needed"] == 190.0  # type: ignore[index]


def test_replies_are_a_classifier_s_on_rows_it_has_not_seen(tmp_path: Path) -> None:
    """Half of the rows teach, the other half is told: surer where it is right, and in the domains of the stream."""
    words = {"refund": "money back", "late": "parcel late", "leak": "water floor"}
    rows = [
        {"text": f"{words[label]} {'please ' * (k % 4)}", "label": label, "truth": {"domain": label[0]}}
        for k in range(120)
        for label in words
    ]
    file = tmp_path / "s.jsonl.gz"
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    found = replies(*lot(file, 1))
    assert len(found.sure) == 180
    assert found.right.mean() > 0.95
    assert set(found.domain.tolist()) == {0, 1}
    assert len(replies(*lot(file, 4)).sure) == 45
