"""Which parts of the traffic have grown or shrunk: every value of every tag, and every label replied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeostat.monitor.features.feature import Rows
from homeostat.stats.intervals import share_change
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score

VALUES = 200
"""Different values of a tag, or replies, from which on they are names or texts, and no slices."""


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
    counts = [Counter(pair for row in rows for pair in _pairs(row)) for rows in (reference, current)]
    pairs = sorted(counts[0] | counts[1])
    values = Counter(tag for tag, _ in pairs)
    sizes = len(reference), len(current)
    made = [_slice(pair, counts, sizes) for pair in pairs if values[pair[0]] <= VALUES]
    return tuple(sorted(made, key=lambda one: -abs(one.change.mean)))


def _slice(pair: tuple[str, str], counts: Sequence[Counter[tuple[str, str]]], sizes: tuple[int, int]) -> Slice:
    before, after = (counts[0][pair], sizes[0]), (counts[1][pair], sizes[1])
    shares = before[0] / before[1], after[0] / after[1]
    return Slice(name="=".join(pair), before=shares[0], after=shares[1], change=share_change(before, after))


def _pairs(row: Interaction) -> Iterator[tuple[str, str]]:
    yield from row.tags.items()
    if row.reply.strip():
        yield "reply", row.reply.strip()
