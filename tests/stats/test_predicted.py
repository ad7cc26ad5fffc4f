"""A mean from few labels and many predictions."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.stats.intervals import mean_interval
from homeostat.stats.predicted import Powered, labels_for, powered_mean


def drawn(rng: np.random.Generator, n: int, others: int, *, good: float = 0.9, off: float = 0.0) -> Powered:
    """Labels that are right 7 times of 10, told by a judge that agrees with a label `good` of the time, plus `off`."""
    every = (rng.random(n + others) < 0.7).astype(float)
    judge = np.where(rng.random(n + others) < good, every, 1 - every) + off
    return powered_mean(every[:n], judge[:n], judge[n:])


@pytest.mark.parametrize("off", [0.0, 0.3])
def test_the_truth_lies_inside_as_often_as_promised(off: float) -> None:
    """In 95 of 100, whether or not the judge is biased; and inside a narrower interval than labels alone give."""
    rng = np.random.default_rng(0)
    found = [drawn(rng, 60, 1000, off=off) for _ in range(1500)]
    inside = np.mean([each.score.low <= 0.7 <= each.score.high for each in found])
    assert 0.93 < inside < 0.975
    width = np.mean([each.score.high - each.score.low for each in found])
    alone = np.mean([s.high - s.low for s in (mean_interval(rng.random(60) < 0.7) for _ in range(300))])
    assert width < 0.75 * alone


def test_a_good_judge_is_worth_labels() -> None:
    """A judge whose correlation with the labels is ρ makes labels do the work of 1 / (1 − ρ²) times as many."""
    rng = np.random.default_rng(1)
    y = (rng.random(100_000) < 0.7).astype(float)
    correlation = np.corrcoef(y, np.where(rng.random(100_000) < 0.9, y, 1 - y))[0, 1]
    worth = np.mean([drawn(rng, 1000, 100_000).worth for _ in range(20)])
    assert correlation > 0.75
    assert worth == pytest.approx(1000 / (1 - correlation**2), rel=0.1)


def test_a_useless_judge_costs_nothing() -> None:
    """Predictions that say nothing of the labels are hardly heeded: the interval is at most that of the labels."""
    rng = np.random.default_rng(2)
    found = [drawn(rng, 100, 1000, good=0.5) for _ in range(200)]
    assert np.mean([each.heeded for each in found]) < 0.1
    assert np.mean([each.worth for each in found]) < 103
    same = powered_mean([1, 0, 1, 1], [0.5] * 4, [0.5] * 10)
    assert (same.score, same.heeded) == (mean_interval([1, 0, 1, 1]), 0.0)


def test_without_other_rows_labels_speak_alone() -> None:
    """Nothing unlabeled, or two labels: the plain interval."""
    assert powered_mean([1, 0, 1], [1, 0, 1], []).score == mean_interval([1, 0, 1])
    assert powered_mean([1, 0], [1, 0], [1, 1, 0]).score == mean_interval([1, 0])


def test_labels_that_are_asked_for_give_the_width() -> None:
    """So many labels bring the interval to the width that was asked for, with the judge and without."""
    rng = np.random.default_rng(3)
    y = (rng.random(400) < 0.7).astype(float)
    judge = np.where(rng.random(400) < 0.9, y, 1 - y)
    alone, helped = labels_for(0.05, y, np.zeros(400)), labels_for(0.05, y, judge)
    assert alone == pytest.approx(1.96**2 * y.var() / 0.05**2, rel=0.02)
    assert helped < 0.6 * alone
    more = drawn(rng, helped, 100_000)
    assert (more.score.high - more.score.low) / 2 == pytest.approx(0.05, rel=0.2)


def test_what_cannot_be() -> None:
    """Predictions for other rows, no labels, no width."""
    with pytest.raises(ValueError, match="3 labels beside 2 predictions"):
        powered_mean([1, 0, 1], [1, 0], [1])
    with pytest.raises(ValueError, match="no values"):
        powered_mean([], [], [1])
    with pytest.raises(ValueError, match="positive width"):
        labels_for(0.0, [1, 0], [1, 0])
