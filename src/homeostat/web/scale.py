"""Where the ticks of an axis are and what they say: numbers, powers of ten, and the calendar."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from homeostat.web import words

_MINUTE, _DAY, _MONTH = 60.0, 86400.0, 30.4 * 86400.0
_SECONDS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600)
"""Steps, in seconds, below a month."""
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000)
"""Steps, in months, from a month on."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and its words."""

    at: float
    label: str


def spread(values: Iterable[float]) -> tuple[float, float]:
    """The least and the greatest of the values, drawn apart where they are the same."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    apart = max(0.5, 1e-6 * abs(low))
    return (low, high) if high > low else (low - apart, high + apart)


def shares(lows: Iterable[float]) -> tuple[float, float]:
    """A range for shares: up to 1, and from the ten percent below the least."""
    least = min(lows, default=0.0)
    return max(0.0, min(0.9, math.floor(least * 10 - 1e-9) / 10)), 1.0


def linear(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers in a range."""
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(size * power for size in (1, 2, 2.5, 5, 10, 20) if _fits(low, high, size * power, most))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _fits(low: float, high: float, step: float, most: int) -> bool:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1 <= most


def percents(low: float, high: float) -> list[Tick]:
    """Ticks of a range of shares."""
    return [Tick(value, words.percent(value, 0)) for value in linear(low, high)]


def numbers(low: float, high: float, most: int = 4) -> list[Tick]:
    """Ticks of a range of plain numbers."""
    return [Tick(value, words.amount(value)) for value in linear(low, high, most)]


def powers(low: float, high: float, most: int = 5) -> list[Tick]:
    """Ticks of a range of base-10 logarithms: whole powers of ten."""
    first, last = math.ceil(low), math.floor(high)
    step = max(1, math.ceil((last - first) / max(1, most - 1)))
    return [Tick(float(power), words.ten_to(power)) for power in range(first, last + 1) if power % step == 0]


def calendar(low: float, high: float, most: int = 6) -> list[Tick]:
    """Ticks of a range of times at round hours, days, months or years, in UTC."""
    begin, end = words.at(low), words.at(high)
    if begin is None or end is None:
        return numbers(low, high, most)
    least = (high - low) / most
    if least > _SECONDS[-1]:
        step = next((months for months in _MONTHS if months * _MONTH >= least), _MONTHS[-1])
        found = [Tick(day.timestamp(), _month(day, step)) for day in _firsts(begin, end, step)]
    else:
        found = list(_clock(low, high, next(step for step in _SECONDS if step >= least)))
    return found or [Tick(low, words.when(low))]


def _firsts(begin: datetime, end: datetime, step: int) -> Iterator[datetime]:
    """First days of every `step`-th month in a range."""
    month = begin.year * 12 + begin.month - 1
    for number in range(month - month % step, end.year * 12 + end.month, step):
        year = number // 12
        if 1 <= year <= 9999 and begin <= (day := datetime(year, number % 12 + 1, 1, tzinfo=UTC)) <= end:
            yield day


def _month(day: datetime, step: int) -> str:
    if step >= 12:
        return f"{day.year}"
    return f"{day:%b}" if day.month > 1 else f"{day:%b} {day.year}"


def _clock(low: float, high: float, step: int) -> Iterator[Tick]:
    """Multiples of a number of seconds; midnights carry their day."""
    for k in range(math.ceil(low / step), math.floor(high / step) + 1):
        moment = datetime.fromtimestamp(k * step, UTC)
        if step >= _DAY or (moment.hour, moment.minute, moment.second) == (0, 0, 0):
            yield Tick(k * step, f"{moment.day} {moment:%b}")
        else:
            yield Tick(k * step, f"{moment:%H:%M:%S}" if step < _MINUTE else f"{moment:%H:%M}")
