"""Permutation p-values are exact, and their splits are what they say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.permutation import drawn, p_value, quadratic, splits


def test_splits_keep_the_sizes_of_the_windows() -> None:
    """The first is the one that is there; all others are rearrangements of it, and not all the same."""
    found = splits(4, 6, 50, seed=0)
    assert found.shape == (51, 10)
    assert found[0].tolist() == [1 / 4] * 4 + [-1 / 6] * 6
    assert np.allclose(np.sort(found, axis=1), np.sort(found[0]))
    assert len(np.unique(found, axis=0)) > 40
    assert (found == splits(4, 6, 50, seed=0)).all()


def test_the_p_value_is_that_of_all_splits() -> None:
    """For five rows against four the share of all 126 splits is met up to the lots' own noise."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=5), rng.normal(size=4) + 1])
    every = [abs(x[list(c)].mean() - np.delete(x, c).mean()) for c in combinations(range(9), 5)]
    exact = np.mean(np.array(every) >= every[0] - 1e-12)
    assert p_value(np.abs(splits(5, 4, 20_000, 0) @ x)) == pytest.approx(exact, abs=0.015)


def test_it_is_never_nought_and_ties_count_against_it() -> None:
    """The split that is there counts among the splits; where all show the same the p-value is 1."""
    assert p_value(np.array([9.0, 1.0, 2.0, 3.0])) == 1 / 4
    assert p_value(np.zeros(10)) == 1.0
    assert p_value(np.array([1.0, 1.0 + 1e-15, 0.0])) == pytest.approx(2 / 3)


def test_where_nothing_moves_it_is_even() -> None:
    """Over 400 windows from one heavy-tailed source the p-values are even on their grid of 20 values."""
    rng = np.random.default_rng(2)
    found = [p_value(np.abs(splits(9, 14, 19, seed) @ rng.standard_t(2, 23))) for seed in range(400)]
    counts = np.bincount(np.rint(np.array(found) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_form_is_the_sum_over_all_pairs() -> None:
    """W M w, for each w."""
    rng = np.random.default_rng(3)
    w, m = rng.normal(size=(3, 5)), rng.normal(size=(5, 5))
    by_hand = [sum(w[k, i] * m[i, j] * w[k, j] for i in range(5) for j in range(5)) for k in range(3)]
    assert quadratic(w, m) == pytest.approx(by_hand)


def test_rows_are_drawn_without_replacement_and_in_order() -> None:
    """Few rows stay all; many are thinned by lot."""
    x = np.arange(1000)
    assert drawn(x[:10], 10, 0) is not None
    assert drawn(x[:10], 10, 0).tolist() == list(range(10))
    some = drawn(x, 50, 0)
    assert len(set(some.tolist())) == 50
    assert (np.diff(some) > 0).all()
