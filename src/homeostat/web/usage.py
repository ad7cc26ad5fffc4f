"""Traffic over time, in stretches of equal length: how many requests, how long they took, their tokens and their tags.

Only requests that a version answered count: nobody knows how long an imported one took. Requests that a version failed
on have rows too, in another role, which are not read here: the gateway counts everything that got no reply, those and
what was turned away unasked, and the page shows its counts (`collect.unanswered`), so that each is there once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.store.interactions import Figures

STRETCHES = 60
"""Stretches, at most."""
STEPS = (
    *(60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200),
    *(86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400, 91 * 86_400),
)
"""Lengths of a stretch, in seconds, from which the shortest is taken that leaves few enough."""
TAGS, VALUES = 4, 4
"""Tags that are shown, and the values of each; those that most requests have."""
MANY = 30
"""Different values of a tag from which on it is a name or a number, and not shown."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Requests of a stretch of time, from `start` up to `end`."""

    start: float
    end: float
    requests: int
    p50_ms: float | None
    """None without requests; so are the next three."""
    p95_ms: float | None
    prompt_tokens: float | None
    """On average; so is the next."""
    reply_tokens: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag over time."""

    name: str
    values: Mapping[str, tuple[float | None, ...]]
    """Value -> its share of the requests of each stretch, None without any; the commonest first."""
    others: int
    """Values that are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Traffic over time, oldest first."""

    stretches: tuple[Stretch, ...] = ()
    tags: tuple[Tag, ...] = ()
    """The one that most requests have first."""
    whole: Stretch | None = None
    """All of it in one."""


def usage(rows: Sequence[Figures]) -> Usage:
    """Of rows in the order of their times, those that a version answered."""
    known = [row for row in rows if row.version]
    if not known:
        return Usage()
    times = np.array([row.time for row in known])
    length = next((step for step in STEPS if _count(times, step) <= STRETCHES), _longest(times))
    first = math.floor(times[0] / length)
    place = np.floor(times / length).astype(np.int64) - first
    bounds = np.searchsorted(place, np.arange(place[-1] + 2))
    numbers = np.array([(row.latency_ms, row.prompt_tokens, row.reply_tokens) for row in known], dtype=np.float64)
    made = [
        _stretch((first + k) * length, (first + k + 1) * length, numbers[bounds[k] : bounds[k + 1]])
        for k in range(len(bounds) - 1)
    ]
    whole = _stretch(float(times[0]), float(times[-1]), numbers)
    return Usage(stretches=tuple(made), tags=_tags(known, place, np.diff(bounds)), whole=whole)


def _count(times: Floats, step: float) -> int:
    return math.floor(float(times[-1]) / step) - math.floor(float(times[0]) / step) + 1


def _longest(times: Floats) -> float:
    return math.ceil(float(times[-1] - times[0]) / (STRETCHES - 1) / STEPS[-1]) * float(STEPS[-1])


def _stretch(start: float, end: float, numbers: Floats) -> Stretch:
    """Of float64[rows, 3]: milliseconds, tokens read, tokens written."""
    if not len(numbers):
        return Stretch(
            start=start, end=end, requests=0, p50_ms=None, p95_ms=None, prompt_tokens=None, reply_tokens=None
        )
    took = numbers[:, 0][np.isfinite(numbers[:, 0])]
    p50, p95 = np.quantile(took, [0.5, 0.95]) if len(took) else (None, None)
    return Stretch(
        start=start,
        end=end,
        requests=len(numbers),
        p50_ms=None if p50 is None else float(p50),
        p95_ms=None if p95 is None else float(p95),
        prompt_tokens=float(numbers[:, 1].mean()),
        reply_tokens=float(numbers[:, 2].mean()),
    )


def _tags(rows: Sequence[Figures], place: NDArray[np.int64], totals: NDArray[np.int64]) -> tuple[Tag, ...]:
    seen: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.tags.items():
            seen.setdefault(name, Counter())[value] += 1
    few = [name for name, values in seen.items() if len(values) < MANY]
    names = sorted(few, key=lambda name: (-seen[name].total(), name))[:TAGS]
    return tuple(_tag(name, seen[name], rows, place, totals) for name in names)


def _tag(
    name: str, seen: Counter[str], rows: Sequence[Figures], place: NDArray[np.int64], totals: NDArray[np.int64]
) -> Tag:
    shown = [value for value, _ in sorted(seen.items(), key=lambda one: (-one[1], one[0]))[:VALUES]]
    held = np.array([row.tags.get(name, "") for row in rows])
    shares = {}
    for value in shown:
        counts = np.bincount(place[held == value], minlength=len(totals))
        shares[value] = tuple(float(n / of) if of else None for n, of in zip(counts, totals, strict=True))
    return Tag(name=name, values=shares, others=len(seen) - len(shown))
