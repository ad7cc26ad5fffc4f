"""Spans of time as they are typed."""

from __future__ import annotations

import pytest

from homeostat.alert.span import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("30min", 1800), ("30m", 1800), ("2h", 7200), ("1d12h", 129_600), ("1.5 h", 5400), ("1w", 604_800)],
)
def test_units_add_up(text: str, expected: float) -> None:
    """Numbers with units, one after the other, are added."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "0s", "2h and more", "1e3s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """A number without a unit, a unit without a number, nothing at all: the message shows how to write one."""
    with pytest.raises(ValueError, match="write 30min"):
        seconds(text)
