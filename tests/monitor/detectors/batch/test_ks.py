"""Kolmogorov–Smirnov on numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.ks import Ks


@pytest.mark.parametrize("size", [20, 100, 700])
def test_it_is_scipys(size: int) -> None:
    """Exact in small windows, asymptotic in large ones, with ties too; the effect is the difference of the means."""
    rng = np.random.default_rng(size)
    for values in (rng.normal(size=2 * size), rng.integers(0, 5, 2 * size).astype(float)):
        a, b = values[:size], values[size:] + 0.3
        found, theirs = Ks()(a, b), stats.ks_2samp(a, b, method="exact" if size <= 100 else "asymp")
        assert (found.statistic, found.p_value) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
        assert found.effect == pytest.approx(b.mean() - a.mean())


def test_it_sees_what_leaves_the_mean_alone() -> None:
    """The same mean with twice the spread is seen in 400 rows."""
    rng = np.random.default_rng(0)
    assert (Ks()(rng.normal(size=400), 2 * rng.normal(size=400)).p_value or 0) < 1e-3
