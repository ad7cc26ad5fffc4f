"""Numbers, times and ids as a person reads them: with a unit, with thin spaces, without false precision."""

from __future__ import annotations

import math
from datetime import UTC, datetime

THIN = "\u202f"
"""A narrow space that does not break: between a number and its unit."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FLOPS = ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP"))


def percent(value: float, digits: int = 1) -> str:
    """A share in [0, 1] as `93.1 %`."""
    return f"{100 * value:.{digits}f}{THIN}%"


def points(value: float) -> str:
    """A difference of shares as `+8.4 points`."""
    return f"{_signed(100 * value)} points"


def scored(mean: float, low: float | None, high: float | None, n: int) -> str:
    """A share with its interval, as `93.1 % (90.2 to 95.3, n = 120)`; the share alone where there is no interval."""
    between = interval(low, high, n)
    return f"{percent(mean)} ({between})" if between else percent(mean)


def moved(mean: float, low: float | None, high: float | None, n: int) -> str:
    """A difference with its interval, as `+8.4 points (+6.1 to +10.7, n = 1,500)`."""
    if not n or low is None or high is None:
        return points(mean)
    return f"{points(mean)} ({_signed(100 * low)} to {_signed(100 * high)}, n = {n:,})"


def count(value: float) -> str:
    """A whole number with separators: `7,214`."""
    return f"{value:,.0f}"


def several(n: int, noun: str) -> str:
    """A number of things, small numbers in words: `one turn`, `12 turns`."""
    return f"{_SMALL[n] if 0 <= n < len(_SMALL) else count(n)} {noun}{'s' * (n != 1)}"


def amount(value: float) -> str:
    """A number of any size: `0.0015`, `12.5`, `840`, `7,214`, `3.2 × 10⁹`."""
    size = abs(value)
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if size >= 1e7 or 0 < size < 1e-3:
        digits, _, power = f"{value:.1e}".partition("e")
        return f"{digits} × 10{str(int(power)).translate(_SUPERSCRIPTS)}".replace("-", "−")
    text = (
        f"{value:,.0f}"
        if size >= 100
        else f"{value:,.1f}"
        if size >= 1
        else f"{value:.3f}"
        if size >= 0.01
        else f"{value:.2g}"
    )
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def about(log10: float) -> str:
    """A number given by its base-10 logarithm, to three digits: `500,000`."""
    return amount(float(f"{10.0 ** min(log10, 300.0):.3g}"))


def halves(chosen: str, cost: float, best: str, least: float) -> str:
    """Whether what was best in the first half of a time was good in the second."""
    if chosen == best:
        return f"chosen by the first half of the time alone, {chosen} would have cost least in the second too"
    more = f" ({percent(cost / least - 1.0)} more)" if least > 0 else ""
    costs = f"{amount(cost)}{more} in the second, where {best} cost {amount(least)}"
    return f"chosen by the first half of the time alone, {chosen} would have cost {costs}"


def interval(low: float | None, high: float | None, n: int) -> str:
    """An interval of a share beside its mean, as `90.2 to 95.3, n = 120`; empty where there is none."""
    return f"{100 * low:.1f} to {100 * high:.1f}, n = {n:,}" if n and low is not None and high is not None else ""


def ten_to(power: int) -> str:
    """A power of ten: `1`, `10`, `100`, `10⁴`."""
    return f"{10**power}" if 0 <= power <= 2 else "10" + str(power).translate(_SUPERSCRIPTS)


def flops(value: float) -> str:
    """Floating-point operations: `1.24 TFLOP`."""
    for size, unit in _FLOPS:
        if abs(value) >= size:
            return f"{value / size:.3g}{THIN}{unit}"
    return f"{value:,.0f}{THIN}FLOP"


def duration(seconds: float) -> str:
    """A span of time: `0.84 s`, `41 s`, `3 min 20 s`, `5 h 12 min`, `9 d 4 h`."""
    if seconds < 59.5:
        return f"{seconds:.2g}{THIN}s" if seconds < 10 else f"{seconds:.0f}{THIN}s"
    whole = round(seconds)
    for size, unit, part_size, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part_size
            return f"{whole // size}{THIN}{unit}" + (f" {rest}{THIN}{part}" if rest else "")
    return f"{whole}{THIN}s"


def milliseconds(value: float) -> str:
    """A latency: `3.1 ms`, `48 ms`."""
    return f"{value:.1f}{THIN}ms" if value < 10 else f"{value:,.0f}{THIN}ms"


def size(bytes: float) -> str:
    """An amount of memory: `840 B`, `27.4 MB`, `1.31 GB`; a million bytes are a megabyte."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes >= 0.9995 * least:
            return f"{bytes / least:.3g}{THIN}{unit}" if bytes < 999.5 * least else f"{bytes / least:,.0f}{THIN}{unit}"
    return f"{bytes:.0f}{THIN}B"


def sizes(mean: float, low: float, high: float, n: int) -> str:
    """An amount of memory that was measured `n` times: with its interval, where there is one."""
    ends = f"{size(max(0.0, low))} to {size(high)}, " if math.isfinite(high) else ""
    return f"{size(mean)} ({ends}n = {n:,})"


def when(time: float) -> str:
    """A moment in UTC: `3 Mar 2025, 14:05`."""
    moment = at(time)
    return f"{moment.day} {moment:%b %Y, %H:%M}" if moment else f"{time:g}"


def at(time: float) -> datetime | None:
    """A moment in UTC; None where the calendar has no such day."""
    try:
        return datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def short(id: str) -> str:
    """An id that fits a column: its noun and its last six characters."""
    noun, _, rest = id.partition("_")
    return f"{noun}_…{rest[-6:]}" if len(rest) > 8 else id


def _signed(value: float) -> str:
    """With a sign, the real minus."""
    return f"{value:+.1f}".replace("-", "−")
