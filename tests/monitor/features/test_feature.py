"""Values that are unknown are left out, whatever the shape."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.features.feature import known_rows


def test_what_is_unknown_is_left_out() -> None:
    """NaN among numbers, the empty text among labels, and rows with any NaN among vectors."""
    assert known_rows(np.array([1.0, np.nan, 2.0])).tolist() == [1.0, 2.0]
    assert known_rows(np.array(["a", "", "b"])).tolist() == ["a", "b"]
    assert known_rows(np.array([[1.0, 2.0], [np.nan, 1.0]])).tolist() == [[1.0, 2.0]]


def test_infinity_is_no_value() -> None:
    """A number that no mean survives is unknown."""
    assert known_rows(np.array([np.inf, 3.0])).tolist() == [3.0]
