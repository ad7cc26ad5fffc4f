"""Quiet hours, quiet days and periods of the calendar, in a time zone; and spans of time as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(?:([a-z,\- ]+?) ?)?(?:(\d\d?):(\d\d) ?- ?(\d\d?):(\d\d))?")
_DATE = r"(?:(\d{4})-)?(\d\d)-(\d\d)"
_DATES = re.compile(rf"{_DATE}(?: - {_DATE})?(?: (.+))?")
_WHOLE = 24 * 60
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(min|s|m|h|d|w)\s*")
_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
PERIODS = ("day", "week", "month", "quarter", "year")
_TOUCHING = 400
"""Windows that may follow each other without a gap: a day each, for a year and some."""


@dataclass(frozen=True, slots=True)
class Dates:
    """Days from one date to another, both among them: of one year, or of every year where the year is 0."""

    first: tuple[int, int, int]
    """Year, month and day."""
    last: tuple[int, int, int]

    def hold(self, day: date) -> bool:
        """Whether a day is one of them."""
        if self.first[0]:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, last, now = self.first[1:], self.last[1:], (day.month, day.day)
        return first <= now <= last if first <= last else now >= first or now <= last


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of some days; one that ends before it begins ends on the day after."""

    days: tuple[int, ...]
    """Of the week; 0 is Monday."""
    start: int
    """Minutes after midnight."""
    end: int
    dates: Dates | None = None
    """Days of the calendar on which alone it begins; None for all."""

    def until(self, at: float, zone: tzinfo) -> float | None:
        """When the stretch ends that a moment lies in, in seconds since 1970; None where it lies in none."""
        today = datetime.fromtimestamp(at, zone).date()
        for day in (today, today - timedelta(days=1)):
            over = self.end + (_WHOLE if self.end <= self.start else 0)
            begins, ends = _moment(day, self.start, zone), _moment(day, over, zone)
            if self._begins(day) and begins <= at < ends:
                return ends
        return None

    def _begins(self, day: date) -> bool:
        return day.weekday() in self.days and (self.dates is None or self.dates.hold(day))


def hours(text: str) -> Hours:
    """From `Mon-Fri 08:00-18:00`, `22:00-06:00`, `Sat,Sun`, `2026-12-24 - 2027-01-02` or, each year, `12-24 - 01-02`;
    hours may follow dates.

    Raises:
        ValueError: it is no such stretch.
    """
    said = " ".join(text.lower().split())
    if dated := _DATES.fullmatch(said):
        return replace(hours(dated[7] or "mon-sun"), dates=_dates(dated, text))
    found = _HOURS.fullmatch(said)
    if not found or not said:
        raise ValueError(f"not a stretch of time: '{text}'; write 22:00-06:00, Mon-Fri 08:00-18:00, or 12-24 - 01-02")
    days = _days(found[1], text) if found[1] else tuple(range(7))
    if found[2] is None:
        return Hours(days, 0, _WHOLE)
    start, end = int(found[2]) * 60 + int(found[3]), int(found[4]) * 60 + int(found[5])
    if max(start, end) > _WHOLE or start == _WHOLE or int(found[3]) > 59 or int(found[5]) > 59:
        raise ValueError(f"no such time of day in '{text}'")
    if start == end:
        raise ValueError(f"'{text}' ends when it begins; leave the hours out for whole days")
    return Hours(days, start, end)


def stretches(texts: Sequence[str]) -> tuple[Hours, ...]:
    """Every stretch of some texts.

    Raises:
        ValueError: one is none, or together they never end.
    """
    found = tuple(hours(text) for text in texts)
    ends = quiet_until(found, 0.0, UTC)  # from 1970 on, which no date of a single year can mean
    while 0.0 < ends <= 366 * _UNITS["d"]:
        ends = quiet_until(found, ends, UTC)
    if ends:
        raise ValueError(f"'{', '.join(texts)}' is always, so that nothing would ever start; leave some hours out")
    return found


def quiet_until(stretches: Sequence[Hours], at: float, zone: tzinfo) -> float:
    """When quiet hours end that a moment lies in; 0 where it lies in none."""
    found = 0.0
    for _ in range(_TOUCHING):
        ends = [end for one in stretches if (end := one.until(found or at, zone)) is not None]
        if not ends:
            break
        found = max(ends)
    return found


def period(per: str, at: float, zone: tzinfo) -> tuple[float, float]:
    """Begin and end of the day, week (from Monday), month, quarter or year that a moment lies in."""
    day = datetime.fromtimestamp(at, zone).date()
    if per in ("day", "week"):
        first = day - timedelta(days=day.weekday() if per == "week" else 0)
        last = first + timedelta(days=7 if per == "week" else 1)
    else:
        months = {"month": 1, "quarter": 3, "year": 12}[per]
        month = (day.month - 1) // months * months
        first = date(day.year, month + 1, 1)
        last = date(day.year + (month + months) // 12, (month + months) % 12 + 1, 1)
    return _moment(first, 0, zone), _moment(last, 0, zone)


def zone(name: str) -> tzinfo:
    """The time zone of a name such as `Europe/Berlin`.

    Raises:
        ValueError: this machine knows none of that name.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # `ZoneInfoNotFoundError` is a KeyError; a name may be a folder
        raise ValueError(f"no time zone '{name}' is known here; write one such as Europe/Berlin") from None


def span(text: str) -> float:
    """Seconds of `30min`, `2h`, `1d12h`, `1w`; 0 for an empty text.

    Raises:
        ValueError: it is no such span.
    """
    parts = _SPAN.findall(text)
    if _SPAN.sub("", text).strip() or (text.strip() and not parts):
        raise ValueError(f"not a span of time: '{text}'; write 30min, 2h or 7d")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _dates(found: re.Match[str], whole: str) -> Dates:
    first = _date(found[1], found[2], found[3], whole)
    last = _date(found[4], found[5], found[6], whole) if found[5] else first
    if bool(first[0]) != bool(last[0]):
        raise ValueError(f"one date of '{whole}' has a year and the other has none")
    if first[0] and last < first:
        raise ValueError(f"'{whole}' ends before it begins")
    return Dates(first, last)


def _date(year: str | None, month: str, day: str, whole: str) -> tuple[int, int, int]:
    try:
        date(int(year or 2024), int(month), int(day))  # a leap year, for February the 29th of every year
    except ValueError:
        raise ValueError(f"no such date in '{whole}'; write 2026-12-24, or 12-24 for every year") from None
    return int(year or 0), int(month), int(day)


def _days(text: str, whole: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        ends = [next((k for k, name in enumerate(_DAYS) if end.startswith(name)), -1) for end in (first, last or first)]
        if min(ends) < 0:
            raise ValueError(f"no day of the week '{part}' in '{whole}'; write Mon-Fri, or Sat,Sun")
        found |= {k % 7 for k in range(ends[0], ends[1] + 1 + 7 * (ends[1] < ends[0]))}
    return tuple(sorted(found))


def _moment(day: date, minutes: int, zone: tzinfo) -> float:
    day, minutes = day + timedelta(days=minutes // _WHOLE), minutes % _WHOLE
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone).timestamp()
