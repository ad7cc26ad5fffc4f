"""Keeps one of many rows that say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from homeostat.curate.clean import age
from homeostat.curate.near import Near
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
    texts = [examples[row].text for row in first.values()]
    kept = np.zeros(len(texts), dtype=np.bool_)
    for number, alike in enumerate(Near(texts, threshold).each(texts)):
        kept[number] = not kept[alike].any()
    return [row for row, keep in zip(first.values(), kept, strict=True) if keep]
