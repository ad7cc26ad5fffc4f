"""The arithmetic of the bar: who was routed when, and what a ratio of percentiles is worth."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_9 import Answer, astray, ratio

from homeostat.release.route import route
from homeostat.types.release import Release, Stage

ROWS = [
    Release(id="rel_1", task="t", time=100.0, stage=Stage.FULL, champion="ver_a"),
    Release(id="rel_2", task="t", time=110.0, stage=Stage.CANARY, champion="ver_a", candidate="ver_b", share=0.5),
    Release(id="rel_3", task="t", time=120.0, stage=Stage.FULL, champion="ver_b"),
]
DRAWN = next(f"e{k}" for k in range(99) if route(ROWS[1], f"e{k}")[0] == "ver_b")
OTHER = next(f"e{k}" for k in range(99) if route(ROWS[1], f"e{k}")[0] == "ver_a")


def answer(sent: float, version: str, episode: str = OTHER, took_s: float = 0.1, block: int = 1) -> Answer:
    return Answer(block, episode, sent, took_s, version, 200)


def test_answers_by_whom_some_row_routed_are_not_astray() -> None:
    """A row that was the newest from a second before until the answer came; an older or a later one does not excuse."""
    fine = [answer(105.0, "ver_a"), answer(112.0, "ver_b", DRAWN), answer(112.0, "ver_a"), answer(125.0, "ver_b")]
    assert astray(fine, ROWS) == (0, [])
    early = answer(119.95, "ver_b")  # the row came into force while it was under way
    assert astray([early], ROWS)[0] == 0
    wrong = [answer(105.0, "ver_b"), answer(112.0, "ver_b"), answer(112.0, "ver_a", DRAWN), answer(122.0, "ver_a")]
    assert astray(wrong, ROWS)[0] == len(wrong)
    assert astray([answer(105.0, "ver_none")], ROWS)[0] == 1


def test_how_late_a_change_came() -> None:
    """The last request sent after a row that an older one still routed; within the second it is not astray."""
    wrong, late = astray([answer(120.2, "ver_a"), answer(120.6, "ver_a"), answer(120.7, "ver_b")], ROWS)
    assert wrong == 0
    assert np.allclose(late, [0.6])


def test_the_ratio_is_that_of_both_kinds_of_blocks() -> None:
    """Swapping blocks that take twice as long give two, and an interval around it."""
    rng = np.random.default_rng(0)
    took = [
        answer(0.0, "ver_a", took_s=float(t) * (1 + number % 2), block=number)
        for number in range(8)
        for t in rng.uniform(0.05, 0.15, 400)
    ]
    value, low, high, p99_ms = ratio(took, 1)
    assert 1.9 < low <= value <= high < 2.1
    assert np.allclose(p99_ms, [149.0, 298.0], rtol=0.02)
