"""Slices of the traffic that a release is looked at in: values of tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from homeostat.types.interaction import Interaction

SLICE_ROWS, SLICE_SHARE, MOST_SLICES = 1000, 0.1, 12
"""Slices are values of tags that at least this share of so many newest requests had when the stage began."""


def slices_of(rows: Sequence[Interaction]) -> dict[str, float]:
    """Values of tags with their shares, the largest first, of those that are neither rare nor nearly everything.

    Rows that no version answered were imported: what only they are tagged with never comes, and a slice of it would
    wait for evidence for ever.
    """
    traffic = [row for row in rows if row.version]
    counts = Counter(name for row in traffic for name in names(row))
    shares = {name: count / len(traffic) for name, count in counts.most_common()}
    return dict([(n, s) for n, s in shares.items() if SLICE_SHARE <= s <= 1 - SLICE_SHARE][:MOST_SLICES])


def names(row: Interaction) -> list[str]:
    """The slices that a request is in."""
    return [f"{tag}={value}" for tag, value in row.tags.items()]
