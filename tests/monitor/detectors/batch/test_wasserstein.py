"""Wasserstein's distance between numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.wasserstein import Wasserstein


def test_the_distance_is_scipys() -> None:
    """With ties, and with windows of different sizes."""
    rng = np.random.default_rng(0)
    for a, b in (
        (rng.normal(size=80), rng.normal(size=130) + 1),
        (rng.integers(0, 4, 60).astype(float), rng.integers(1, 6, 90).astype(float)),
    ):
        assert Wasserstein(permutations=9)(a, b).statistic == pytest.approx(stats.wasserstein_distance(a, b))


def test_it_is_in_the_unit_of_the_feature() -> None:
    """Every value three higher: the distance is three, and so is the effect."""
    a = np.random.default_rng(1).random(100)
    found = Wasserstein()(a, a + 3)
    assert (found.statistic, found.effect) == (pytest.approx(3.0), pytest.approx(3.0))
    assert found.p_value == 1 / 1000


def test_large_windows_are_thinned() -> None:
    """It looks at no more rows than it says."""
    x = np.random.default_rng(2).random(900)
    found = Wasserstein(rows=200, permutations=19)(x, x[:50])
    assert (found.n_reference, found.n_current) == (200, 50)
