"""Drift of confidence and of perplexity: seen sooner than by a test that looks both ways, and in one direction only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.ks import Ks
from homeostat.monitor.detectors.batch.less_sure import LessSure, MorePerplexed
from homeostat.monitor.features.feature import Shape


def sure(seed: int, rows: int, doubt: float = 0.0) -> np.ndarray:
    """Confidences of a model that has lost a part of its log-odds."""
    x = np.random.default_rng(seed).beta(8, 2, rows)
    return 1 / (1 + np.exp(doubt) * (1 - x) / x)


def test_it_is_the_share_of_pairs_in_doubt() -> None:
    """The statistic counted by hand, ties half; the p-value that of SciPy's one-sided test."""
    before, after = np.round(sure(0, 60), 1), np.round(sure(1, 50, 0.5), 1)
    pairs = (after[:, None] < before[None]).mean() + 0.5 * (after[:, None] == before[None]).mean()
    found = LessSure()(before, after)
    assert found.statistic == pytest.approx(pairs)
    theirs = stats.mannwhitneyu(after, before, alternative="less", method="asymptotic")
    assert found.p_value == pytest.approx(float(theirs.pvalue))
    assert found.effect == pytest.approx(after.mean() - before.mean())


def test_it_sees_a_loss_of_confidence_sooner_than_kolmogorov_smirnov() -> None:
    """Of 120 pairs of 150 rows that lost 0.2 of their log-odds it finds a tenth more than a test of any change does."""
    windows = [(sure(k, 150), sure(10_000 + k, 150, 0.2)) for k in range(120)]
    one, any_change = (np.mean([(test(*pair).p_value or 0) <= 0.05 for pair in windows]) for test in (LessSure(), Ks()))
    assert one > any_change + 0.1
    assert one > 0.55


def test_where_nothing_moved_a_twentieth_is_below_a_twentieth() -> None:
    """Of 200 pairs of windows of the same model, within two-sided bounds (99.9 %)."""
    low, high = stats.binom.interval(0.999, 200, 0.05)
    for test in (LessSure(), MorePerplexed()):
        below = sum((test(sure(k, 80), sure(20_000 + k, 60)).p_value or 0) <= 0.05 for k in range(200))
        assert low <= below <= high


def test_a_model_that_became_surer_is_no_finding() -> None:
    """The other direction has a p-value near one, and the other test finds it."""
    before, after = sure(2, 300), sure(3, 300, -0.8)
    assert (LessSure()(before, after).p_value or 0) > 0.99
    assert (MorePerplexed()(before, after).p_value or 1) < 1e-6


def test_perplexity_tells_what_confidence_tells() -> None:
    """Ranks do not change with the unit: confidence, or one over it, which is perplexity."""
    before, after = sure(4, 200), sure(5, 180, 0.4)
    falling, rising = LessSure()(before, after), MorePerplexed()(1 / before, 1 / after)
    assert rising.p_value == pytest.approx(falling.p_value)
    assert rising.statistic == pytest.approx(falling.statistic)


def test_they_look_at_their_own_features_alone() -> None:
    """Of other numbers nobody knows which direction is doubt."""
    assert LessSure().suits("margin", Shape.NUMBER)
    assert MorePerplexed().suits("perplexity", Shape.NUMBER)
    assert not any(test.suits("latency", Shape.NUMBER) for test in (LessSure(), MorePerplexed()))
    assert not LessSure().suits("confidence", Shape.VECTOR)
