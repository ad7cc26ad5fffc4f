"""The arithmetic of bar prove.6."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_6 import LITTLE, MUCH, Injected, kept, learned, let_pass, stopped

from homeostat.config.schema import Evaluate

PERFECT = np.ones(400)


def candidate(lost: float, gained: float = 0.5, seed: int = 0) -> Injected:
    """One that lost so much on `old` and gained so much on `new`, of 400 rows each."""
    old, new = PERFECT.copy(), np.zeros(400)
    old[: round(400 * lost)] = 0.0
    new[: round(400 * gained)] = 1.0
    pairs = {"old": (old, PERFECT), "new": (new, np.zeros(400))}
    return Injected(seed=seed, after="new", steps=4, pairs=pairs)


def test_what_was_lost_is_the_worst_of_the_earlier_tasks() -> None:
    """The newest is none of them, whatever happened there."""
    assert candidate(0.1).lost == pytest.approx(0.1)
    assert candidate(0.0, gained=0.0).lost == 0.0
    more = {**candidate(0.1).pairs, "older": (PERFECT * 0.5, PERFECT)}
    assert Injected(seed=0, after="new", steps=4, pairs=more).lost == pytest.approx(0.5)


def test_the_gate_lets_pass_what_lost_nothing_and_not_what_did() -> None:
    """On suites of 500 rows: every one of a good candidate's, and hardly any of one that lost eight points."""
    settings = Evaluate()
    assert let_pass(candidate(0.0), 500, 40, settings) == 40
    assert let_pass(candidate(0.08), 500, 40, settings) <= 1


def test_only_those_that_lost_enough_are_counted() -> None:
    """With the worst of them, and all of them together."""
    found = stopped([candidate(0.01), candidate(0.04, seed=1), candidate(0.2, seed=2)], MUCH, 500, 20)
    assert (found["candidates"], found["least"], found["mean"][0]) == (1, 1.0, 1.0)
    assert [each["seed"] for each in found["each"]] == [2]
    assert stopped([candidate(0.01), candidate(0.04, seed=1)], LITTLE, 1600, 20)["candidates"] == 1
    assert stopped([candidate(0.0)], MUCH, 500, 20) == {
        "candidates": 0,
        "rows": 500,
        "least": None,
        "mean": None,
        "each": [],
    }


def test_learned_and_kept() -> None:
    """Rises right after each stage, less what was there without learning; and what is left of it at the end."""
    scores = [[0.9, None, None], [0.8, 0.5, 0.1], [0.7, 0.6, 0.4]]
    never = [[0.9, None, None], [0.9, 0.0, 0.1], [0.9, 0.0, 0.1]]
    assert learned(scores, never) == pytest.approx((0.5 + 0.3) / 2)
    assert kept(scores) == pytest.approx((-0.2 + 0.1) / 2)
