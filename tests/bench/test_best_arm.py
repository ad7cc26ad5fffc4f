"""The races of the bench are those that its page says."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import best_arm
from best_arm import Setting, by_bets, by_hoeffding, looks, raced


def test_the_best_wins_a_race_that_is_not_close() -> None:
    """Thirty points: ours chooses it every time, in fewer requests than Hoeffding, and others answer less than in equal
    parts where they are unlike.
    """
    setting = Setting(gap=0.3)
    rng = np.random.default_rng(0)
    ours = raced(setting, by_bets(setting), 40, rng, most=20_000, adaptive=True)
    slow = raced(setting, by_hoeffding(setting), 40, rng, most=20_000, adaptive=True)
    assert (ours.chosen == 0).all()
    assert np.median(ours.took) < np.median(slow.took) / 4
    unlike = Setting(gap=0.1, spread=(0.1, 0.5))
    rows = raced(unlike, by_bets(unlike), 40, rng, most=20_000, adaptive=True)
    assert rows.worse.sum() / rows.took.sum() < 0.6
    assert (rows.lost <= rows.worse / 2).all()


def test_looks_come_farther_apart() -> None:
    """Every hundred requests at first, later a fiftieth of those there are; none is left out."""
    found = list(looks(50_000))
    assert found[:2] == [(0, 100), (100, 100)]
    assert all(at + step == then for (at, step), (then, _) in pairwise(found))
    assert found[-1][1] > 900


def test_one_test_needs_what_the_books_say() -> None:
    """0.85 beside 0.80, two others, a power of 0.8 at 0.025 each: some 910 of each."""
    assert best_arm.needed(Setting()) == pytest.approx(3 * 904, rel=0.05)
