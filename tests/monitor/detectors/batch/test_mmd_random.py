"""Maximum mean discrepancy by random features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from homeostat.monitor.detectors.batch.mmd import Mmd, width_of
from homeostat.monitor.detectors.batch.mmd_random import MmdRandom


def test_products_of_its_features_are_the_kernel() -> None:
    """With many features, to within 0.06 everywhere; a row with itself is exactly one."""
    x = np.random.default_rng(0).normal(size=(60, 5))
    mapped = MmdRandom(features=4000).mapped(x)
    squares = cdist(x, x, "sqeuclidean")
    kernel = np.exp(-squares / (2 * width_of(squares) ** 2))
    assert np.abs(mapped @ mapped.T - kernel).max() < 0.06
    assert np.square(mapped).sum(axis=1) == pytest.approx(1.0)


def test_it_nears_the_exact_one() -> None:
    """The same statistic up to the noise of the features, on windows that moved."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) + 0.5
    exact = Mmd(permutations=9)(x, y).statistic
    assert MmdRandom(features=4000, permutations=9)(x, y).statistic == pytest.approx(exact, rel=0.1)


def test_it_takes_more_rows_than_the_exact_one() -> None:
    """Two thousand a window by default, four times as many, and finds what these show."""
    rng = np.random.default_rng(2)
    found = MmdRandom(permutations=199)(rng.normal(size=(2500, 3)), rng.normal(size=(2500, 3)) + 0.1)
    assert (found.n_reference, found.p_value) == (2000, 1 / 200)
