"""A moment as files and requests write it, in seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime

_YEAR_10000 = 253_402_300_800.0


def seconds(value: object) -> float:
    """Seconds since 1970 of an ISO 8601 text (UTC where it names no zone) or of a number.

    Raises:
        ValueError: it is neither, or so large that it must be milliseconds.
    """
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _YEAR_10000:
        raise ValueError(f"not a time in seconds: {value!r}")
    return float(value)
