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

from watch_4 import SHIFTS, WAYS, Replies, Tried, drawn, replies, summary, tried

GOOD = Tried(
    inside=dict.fromkeys(WAYS, True),
    width=dict.fromkeys((*WAYS, "oracle"), 0.1),
    refused=True,
    doubted=False,
    saved=0.2,
)
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


def test_what_the_bar_asks_for() -> None:
    """Two thousand windows with the lower bound of the coverage at 93 %, and most changed meanings refused."""
    found = [("a", "none", GOOD)] * 1900 + [("a", "length", MISSED)] * 100
    line = summary(found, 1.0, quick=False)
    assert line["met"] is True
    assert line["value"] == line["interval"][0] == pytest.approx(0.9394, abs=1e-3)
    assert line["by"] == {"a, none": dict.fromkeys(WAYS, 1.0), "a, length": dict.fromkeys(WAYS, 0.0)}
    assert summary(found[:1900], 1.0, quick=False)["met"] is False
    assert summary(found + found[-100:], 1.0, quick=False)["met"] is False
    blind = [("a", "none", replace(GOOD, refused=False))] * 2000
    assert summary(blind, 1.0, quick=False)["met"] is False


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
    found = replies(file, 1)
    assert len(found.sure) == 180
    assert found.right.mean() > 0.95
    assert set(found.domain.tolist()) == {0, 1}
    assert len(replies(file, 4).sure) == 45
