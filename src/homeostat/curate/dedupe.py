"""Keeps one of many rows that say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from homeostat.curate.clean import age
from homeostat.curate.near import Near, shingles
from homeostat.curate.text import key
from homeostat.types.dataset import Example


def dedupe(examples: Sequence[Example], threshold: float) -> list[Example]:
    """The examples, in the order given, without those that repeat a newer one.

    A row repeats another when their targets have the same key and their texts have it too, or reach `threshold` in
    Jaccard similarity of shingles. Similar texts with different targets all stay: they are where a model learns most.
    """
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(examples)), key=lambda row: age(examples[row]), reverse=True):
        rows[key(examples[row].target)].append(row)
    kept = (_distinct(examples, same, threshold) for same in rows.values())
    return [examples[row] for row in sorted(row for group in kept for row in group)]


def _distinct(examples: Sequence[Example], rows: Sequence[int], threshold: float) -> list[int]:
    """Of rows with one target, newest first, those unlike any kept before."""
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(key(examples[row].text), row)
    pieces = {row: shingles(text) for text, row in first.items()}
    near = Near(threshold, pieces.values())
    kept = []
    for row, piece in pieces.items():
        if next(near.find(piece), None) is None:
            near.add(piece)
            kept.append(row)
    return kept
