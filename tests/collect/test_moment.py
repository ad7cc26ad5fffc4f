"""Moments, in all the ways they are written."""

from __future__ import annotations

import pytest

from homeostat.collect.moment import seconds


def test_times_are_read_in_all_the_ways_they_are_written() -> None:
    """ISO with Z, with an offset, a date alone, and numbers agree; anything else is no time."""
    assert seconds("1970-01-02T00:00:00Z") == seconds("1970-01-02T01:00:00+01:00") == seconds("1970-01-02") == 86400
    assert seconds(86400) == 86400.0
    for wrong in ("", "soon", None, True, float("inf"), 10**400, [1]):
        with pytest.raises(ValueError, match=r"time|isoformat|ISO|Invalid"):
            seconds(wrong)
