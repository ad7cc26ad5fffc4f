"""Bets on users who come back keep their word where bets on every row do not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.stats.depths import DEPTHS, at_depth, depths, least_p, most_wealth, turns
from homeostat.stats.eprocess import Betting

WHOSE = np.array([0, 1, 0, 0, 2, 1, 0, 1])
VALUES = np.array([1.0, 0.5, 0.0, -1.0, 0.25, -0.5, 8.0, 0.6])


def test_who_comes_back_is_heard_once_at_each_depth() -> None:
    """By the first row, and by the mean of the first three of whoever has three, in the order these came in."""
    assert at_depth(VALUES, WHOSE, 1).tolist() == [1.0, 0.5, 0.25]
    assert at_depth(VALUES, WHOSE, 3).tolist() == pytest.approx([0.0, 0.2])
    assert at_depth(VALUES, WHOSE, 9).tolist() == []
    both = np.stack([VALUES, -VALUES], axis=1)
    assert at_depth(both, WHOSE, 3)[:, 1].tolist() == pytest.approx([0.0, -0.2])
    assert turns(WHOSE).tolist() == [0, 0, 1, 2, 0, 1, 3, 2]


def test_rows_of_nobody_are_all_heard() -> None:
    """Once, at the whole allowance."""
    assert at_depth(VALUES, None, 1).tolist() == VALUES.tolist()
    assert at_depth(VALUES, None, 3).tolist() == []
    assert dict(depths(None)) == {1: 1.0}
    assert least_p(lambda values, depth: 0.01 * len(values), VALUES, None) == pytest.approx(0.08)
    with pytest.raises(ValueError, match="depth 0"):
        at_depth(VALUES, None, 0)
    with pytest.raises(ValueError, match="in 2 places"):
        at_depth(VALUES, WHOSE[:2], 1)


def test_the_allowance_is_split() -> None:
    """The parts are one whole, and what one depth shows is shown at its part."""
    assert sum(DEPTHS.values()) == pytest.approx(1.0)
    assert least_p(lambda values, depth: 0.001 if depth == 3 else 1.0, VALUES, WHOSE) == pytest.approx(0.02)
    assert least_p(lambda values, depth: 1.0, VALUES, WHOSE) == 1.0
    assert most_wealth({1: 0.0, 3: math.log(100.0), 9: 0.0}, DEPTHS) == pytest.approx(math.log(5.0))


def test_nothing_that_comes_later_changes_what_was_heard() -> None:
    """At every depth the users heard by a look are the first of those heard by the next one."""
    rng = np.random.default_rng(3)
    whose, values = rng.integers(0, 20, 200), rng.normal(size=200)
    for depth in DEPTHS:
        all_of = at_depth(values, whose, depth).tolist()
        for n in (1, 50, 120):
            seen = at_depth(values[:n], whose[:n], depth).tolist()
            assert seen == all_of[: len(seen)]


def test_false_alarms_where_users_fare_alike() -> None:
    """60 users with ten rows each that are all alike, no better than they may be: a product over all rows is above
    1/alpha in more runs than alpha at some look, by depths in no more.
    """
    alarms = {"rows": 0, "depths": 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        fates = rng.choice([-1.0, 1.0, 0.0], 60, p=[0.1, 0.1, 0.8])
        whose = np.repeat(np.arange(60), 10)
        alarms["rows"] += _best(fates[whose]) >= math.log(20.0)
        by_depth = {depth: _best(at_depth(fates[whose], whose, depth)) for depth in DEPTHS}
        alarms["depths"] += most_wealth(by_depth, DEPTHS) >= math.log(20.0)
    assert alarms["rows"] >= 30
    assert alarms["depths"] <= 12


def test_rows_that_are_each_their_own_show_more_where_they_are_many() -> None:
    """90 users with nine independent rows of a loss: the means of nine show it where first rows alone do not."""
    rng = np.random.default_rng(1)
    rows = rng.choice([-1.0, 1.0, 0.0], 810, p=[0.2, 0.02, 0.78])
    whose = np.repeat(np.arange(90), 9)
    found = {depth: _best(at_depth(rows, whose, depth)) for depth in DEPTHS}
    assert found[9] > found[3] > found[1]
    assert most_wealth(found, DEPTHS) > found[1] + math.log(DEPTHS[1])


def _best(differences: np.ndarray) -> float:
    """The highest logarithm of the wealth against "nothing is lost", looked at after every row."""
    return float(max(Betting.harm(0.0).extend(differences).max(initial=0.0), 0.0))
