"""A trigger that looks at the calendar: a cron expression, or a length of time that may grow and shrink by itself.

Cron expressions are those of croniter, five fields. `every 3 to 6 months` begins at three months; each retraining that
left the version as it was makes it longer, each that brought a better one shorter, within the two.
"""

from __future__ import annotations

import calendar
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from croniter import croniter

from homeostat.decide.trigger.counts import NOTHING
from homeostat.decide.trigger.sight import Past, Sight, Standing, clock
from homeostat.errors import did_you_mean

PACES = 2
"""Steps from the shorter to the longer length."""
SLACK_S = 30.0
"""So much early counts as then: looks have a length of their own."""
_UNITS = ("minute", "hour", "day", "week", "month", "year")
_EVERY = re.compile(r"every (?:(\d+)(?:(?: to |-)(\d+))? )?([a-z]+?)s?")
_ONE = re.compile(r"\b(\d+)-\1\b")
"""A span of one, which croniter takes for a whole field."""
_MONTHS = {"month": 1, "year": 12}
_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}


@dataclass(frozen=True, slots=True)
class Cron:
    """A moment that matches has come since it fired last, or since the last retraining."""

    expression: str
    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """Whether one has, and when the next one is."""
        due = following(self.expression, max(sight.retrained, past.fired), zone)
        come = due <= sight.time
        after = following(self.expression, sight.time, zone) if come else due
        says = f"due since {clock(due, zone)}" if come else f"next at {clock(due, zone)}"
        return Standing(value=float(come), line=1.0, says=says, next=after)


@dataclass(frozen=True, slots=True)
class Every:
    """So long after it fired last, or after the last retraining."""

    low: int
    high: int
    unit: str
    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How long ago that is, in seconds, beside the length that is in force."""
        since, n = max(sight.retrained, past.fired), self.length(past.pace)
        due = later(since, n, self.unit, zone)
        says = f"due at {clock(due, zone)}, every {n} {self.unit}{'s' * (n > 1)}"
        return Standing(value=sight.time - since, line=due - since - SLACK_S, says=says, next=due)

    def length(self, pace: int) -> int:
        """How many units lie between two of them at a pace of 0 to 2."""
        return round(self.low * math.pow(self.high / self.low, min(PACES, max(0, pace)) / PACES))


def fired(past: Past, sight: Sight) -> Past:
    """The memory of a trigger after it has fired: longer between two if nothing came of it last time, shorter if so."""
    pace = past.pace
    if past.champion:
        pace = min(PACES, pace + 1) if past.champion == sight.champion else max(0, pace - 1)
    return replace(past, held=0, fired=sight.time, champion=sight.champion, pace=pace)


def schedule(value: Any) -> Cron | Every:
    """From a cron expression of five fields, `every 3 months`, or `every 3 to 6 months`. Raises ValueError."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if text.startswith("every"):
        return _every(text)
    text = _ONE.sub(r"\1", text)
    if len(text.split(" ")) != 5 or not croniter.is_valid(text):
        raise ValueError(f"must be a cron expression of five fields or 'every 3 months', got {value!r}")
    try:
        croniter(text, datetime(2026, 1, 1, tzinfo=UTC)).get_next(float)
    except ValueError as never:  # the 30th of February
        raise ValueError(f"no day matches {value!r}: {never}") from None
    return Cron(text)


def following(expression: str, after: float, zone: tzinfo) -> float:
    """The first moment past `after` that a cron expression matches in a zone, in seconds since 1970."""
    moment: datetime = croniter(expression, datetime.fromtimestamp(after, zone)).get_next(datetime)
    return moment.timestamp()


def later(since: float, n: int, unit: str, zone: tzinfo) -> float:
    """The moment `n` units later; months and years by the calendar, to the last day of a month that is too short."""
    if unit not in _MONTHS:
        return since + n * _SECONDS[unit]
    start = datetime.fromtimestamp(since, zone)
    month = start.year * 12 + start.month - 1 + n * _MONTHS[unit]
    year, month = month // 12, month % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    whole = start.replace(year=year, month=month, day=day, microsecond=0)
    return (whole + timedelta(microseconds=start.microsecond)).timestamp()


def _every(text: str) -> Every:
    found = _EVERY.fullmatch(text)
    if not found:
        raise ValueError(f"must be like 'every 3 months' or 'every 3 to 6 months', got {text!r}")
    low, unit = int(found[1] or 1), found[3]
    high = int(found[2] or low)
    if unit not in _UNITS:
        raise ValueError(f"knows no unit '{unit}'; {did_you_mean(unit, _UNITS)}")
    if not 0 < low <= high:
        raise ValueError(f"must have the shorter length first, and above 0, got {text!r}")
    return Every(low, high, unit)
