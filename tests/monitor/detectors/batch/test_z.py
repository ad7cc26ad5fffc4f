"""The difference of the means in standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.batch.z import Z, standard_error


def test_the_statistic_is_welchs() -> None:
    """Equal to scipy's unequal-variance t, whose p-value it nears with the rows."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=900), 3 * rng.normal(size=400) + 0.4
    found, theirs = Z()(a, b), stats.ttest_ind(b, a, equal_var=False)
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=0.1)
    assert found.effect == pytest.approx(b.mean() - a.mean())
    assert standard_error(a, b) == pytest.approx(found.effect / found.statistic)


def test_windows_without_spread() -> None:
    """The same constant is no change; another one is as sure as can be; one row knows nothing."""
    ones = np.ones(10)
    assert (Z()(ones, ones).statistic, Z()(ones, ones).p_value) == (0.0, 1.0)
    assert (Z()(ones, 0 * ones).statistic, Z()(ones, 0 * ones).p_value) == (-math.inf, 0.0)
    assert Z()(ones[:1], np.array([4.0, 5.0])).p_value == 1.0
