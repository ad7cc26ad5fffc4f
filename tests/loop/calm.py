"""Quiet days around a moment: every day of the week but one that is days away from it."""

from __future__ import annotations

from datetime import UTC, datetime

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calm_around(moment: float) -> tuple[str, ...]:
    """As a policy says it, in any time zone; quiet hours that never end are refused."""
    loud = (datetime.fromtimestamp(moment, UTC).weekday() + 3) % 7
    return tuple(day for number, day in enumerate(DAYS) if number != loud)
