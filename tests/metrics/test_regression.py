"""Errors of numbers, beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from homeostat.metrics.regression import (
    error_sums,
    fit_of,
    mean_absolute_error,
    r_squared,
    root_mean_squared_error,
)

NUMBER = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=30))
def test_as_the_reference_counts(pairs: list[tuple[float, float]]) -> None:
    """Both errors are scikit-learn's, and so is R² where targets differ."""
    told, wanted = zip(*pairs, strict=True)
    assert mean_absolute_error(told, wanted) == pytest.approx(metrics.mean_absolute_error(wanted, told))
    assert root_mean_squared_error(told, wanted) == pytest.approx(metrics.root_mean_squared_error(wanted, told))
    if np.var(wanted) > 1e-3:
        assert r_squared(told, wanted) == pytest.approx(metrics.r2_score(wanted, told), rel=1e-6, abs=1e-6)


def test_what_the_numbers_mean() -> None:
    """One error of four among four rows: the mean is 1, the root of the mean square 2; the mean of all explains
    nothing.
    """
    told, wanted = [0.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0]
    assert (mean_absolute_error(told, wanted), root_mean_squared_error(told, wanted)) == (1.0, 2.0)
    assert r_squared([2.0, 2.0], [1.0, 3.0]) == 0.0
    assert r_squared([1.0, 3.0], [1.0, 3.0]) == 1.0


@pytest.mark.parametrize(("told", "wanted"), [([], []), ([1.0], [1.0, 2.0]), ([float("nan")], [1.0])])
def test_what_has_no_answer(told: list[float], wanted: list[float]) -> None:
    """No rows, unequal lengths and numbers that are none are refused, and R² of targets that are all equal."""
    for score in (mean_absolute_error, root_mean_squared_error, r_squared):
        with pytest.raises(ValueError, match=r"rows|targets|finite"):
            score(told, wanted)
    with pytest.raises(ValueError, match="equal"):
        r_squared([1.0, 2.0], [3.0, 3.0])


def test_sums_say_what_the_rows_say() -> None:
    """Root mean squared error and R² from sums over rows, some of which count twice."""
    rng = np.random.default_rng(0)
    wanted = rng.normal(size=30)
    told, weights = wanted + rng.normal(size=30) / 2, rng.integers(0, 3, 30)
    again = np.repeat(np.arange(30), weights)
    root, explained = fit_of(weights @ error_sums(told.tolist(), wanted.tolist()))
    assert root == pytest.approx(root_mean_squared_error(told[again].tolist(), wanted[again].tolist()))
    assert explained == pytest.approx(r_squared(told[again].tolist(), wanted[again].tolist()))
    assert fit_of(error_sums([1.0, 2.0], [3.0, 3.0]).sum(0))[1] == 0.0
