"""Which parts of the traffic have grown or shrunk: every value of every tag, and every label replied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from homeostat.monitor.features.feature import Rows
from homeostat.stats.intervals import share_change
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score

LABELS = 200
"""Different replies from which on they are texts, and no slices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows that have a value in common, and their share of each window."""

    name: str
    """`segment=business`, or `reply=refund`."""
    before: float
    after: float
    change: Score
    """After less before, with its 95 % interval. One of many intervals: some of them miss by chance."""


def slices(reference: Rows, current: Rows) -> tuple[Slice, ...]:
    """Every slice of two windows, the one whose share moved most first."""
    counts = [Counter(name for row in rows for name in _names(row)) for rows in (reference, current)]
    names = dict.fromkeys(sorted(counts[0] | counts[1]))
    if sum(name.startswith("reply=") for name in names) > LABELS:
        names = dict.fromkeys(name for name in names if not name.startswith("reply="))
    made = [_slice(name, (counts[0][name], len(reference)), (counts[1][name], len(current))) for name in names]
    return tuple(sorted(made, key=lambda one: -abs(one.change.mean)))


def _slice(name: str, before: tuple[int, int], after: tuple[int, int]) -> Slice:
    shares = before[0] / before[1], after[0] / after[1]
    return Slice(name=name, before=shares[0], after=shares[1], change=share_change(before, after))


def _names(row: Interaction) -> Iterator[str]:
    yield from (f"{tag}={value}" for tag, value in row.tags.items())
    if row.reply.strip():
        yield f"reply={row.reply.strip()}"
