"""Values that are unknown are left out, whatever the shape."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.features.feature import LONGEST, known_rows
from homeostat.monitor.features.record import tag
from homeostat.monitor.features.reply import REPLY
from monitor.desk import said


def test_what_is_unknown_is_left_out() -> None:
    """NaN among numbers, the empty text among labels, and rows with any NaN among vectors."""
    assert known_rows(np.array([1.0, np.nan, 2.0])).tolist() == [1.0, 2.0]
    assert known_rows(np.array(["a", "", "b"])).tolist() == ["a", "b"]
    assert known_rows(np.array([[1.0, 2.0], [np.nan, 1.0]])).tolist() == [[1.0, 2.0]]


def test_infinity_is_no_value() -> None:
    """A number that no mean survives is unknown."""
    assert known_rows(np.array([np.inf, 3.0])).tolist() == [3.0]


def test_long_labels_do_not_fill_the_memory() -> None:
    """One reply or tag of a million characters does not make room for a million in every row."""
    rows = [said(1, "?", reply="x" * 1_000_000, tags={"a": "y" * 1_000_000}), said(2, "?", reply="x", tags={"a": "z"})]
    for feature in (REPLY, tag("a")):
        assert feature.of(rows, ()).nbytes <= 2 * 4 * LONGEST
