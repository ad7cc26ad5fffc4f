"""Maximum mean discrepancy over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel

from homeostat.monitor.detectors.batch.comparison import columns
from homeostat.monitor.detectors.batch.mmd import Mmd, width_of


def test_it_is_the_kernels_means_as_scikit_learn_has_them() -> None:
    """Within and between windows, with the median distance of two rows as width."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(70, 4)) + 0.7
    a, b = columns(x, y)
    both = np.concatenate([a, b])
    width = np.median(euclidean_distances(both)[np.triu_indices(120, k=1)])
    kernel = [rbf_kernel(p, q, gamma=1 / (2 * width**2)).mean() for p, q in ((a, a), (b, b), (a, b))]
    found = Mmd(permutations=9)(x, y)
    assert found.statistic == pytest.approx(kernel[0] + kernel[1] - 2 * kernel[2])
    assert found.effect == pytest.approx(found.statistic**0.5)


def test_numbers_have_their_own_effect() -> None:
    """For numbers the effect is the difference of the means."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=80), rng.normal(size=80) + 2
    found = Mmd(permutations=99)(a, b)
    assert found.effect == pytest.approx(b.mean() - a.mean())
    assert found.p_value == 1 / 100


def test_rows_that_are_mostly_the_same_have_a_width() -> None:
    """A median distance of nothing is replaced, and nothing is divided by it."""
    assert width_of(np.zeros((5, 5))) == 1.0
    assert Mmd(permutations=9)(np.zeros((20, 2)), np.zeros((20, 2))).p_value == 1.0


def test_it_sees_spread_that_leaves_the_means_alone() -> None:
    """Vectors of the same mean, half of whose columns spread less."""
    rng = np.random.default_rng(2)
    y = rng.normal(size=(200, 8)) * np.repeat([1.0, 0.4], 4)
    assert Mmd(permutations=199)(rng.normal(size=(200, 8)), y).p_value == 1 / 200
