"""Scores of replies that are sets of tags, of which none, one or several hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def micro_f1(predicted: Sequence[Collection[str]], target: Sequence[Collection[str]]) -> float:
    """F1 over all tags of all rows together, in [0, 1]; frequent tags count for more. 1 where there is none at all.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    right, told, wanted = _counts(predicted, target)
    return _f1(right.total(), told.total() + wanted.total())


def macro_f1_of_tags(predicted: Sequence[Collection[str]], target: Sequence[Collection[str]]) -> float:
    """Mean F1 over the tags that were told or should have been, each counting the same; 1 where there is none at all.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    right, told, wanted = _counts(predicted, target)
    tags = sorted(told | wanted)
    return sum(_f1(right[tag], told[tag] + wanted[tag]) for tag in tags) / len(tags) if tags else 1.0


def tag_sums(predicted: Sequence[Collection[str]], target: Sequence[Collection[str]], tags: Sequence[str]) -> Floats:
    """float64[rows, 3 tags]: whether each tag is right, told, and wanted; their sums over rows give `f1_of_tags`."""
    told, wanted = (
        np.array([[tag in row for tag in tags] for row in side], np.float64) for side in (predicted, target)
    )
    return np.concatenate([told * wanted, told, wanted], axis=-1).reshape(len(target), 3 * len(tags))


def f1_of_tags(sums: Floats) -> Floats:
    """float64[…, 2]: micro and macro F1 of rows that were summed; 1 where there is no tag at all."""
    right, told, wanted = np.split(sums, 3, axis=-1)
    both, counted = told + wanted, told + wanted > 0
    micro = np.where(counted.any(-1), 2 * right.sum(-1) / np.maximum(both.sum(-1), 1.0), 1.0)
    each = np.where(counted, 2 * right / np.maximum(both, 1.0), 0.0).sum(-1) / np.maximum(counted.sum(-1), 1)
    return np.stack([micro, np.where(counted.any(-1), each, 1.0)], axis=-1)


def _counts(
    predicted: Sequence[Collection[str]], target: Sequence[Collection[str]]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How often each tag is right, told, and wanted."""
    if len(predicted) != len(target):
        raise ValueError(f"{len(predicted)} replies for {len(target)} targets")
    if not len(target):
        raise ValueError("no rows to score")
    right, told, wanted = Counter[str](), Counter[str](), Counter[str]()
    for one, other in zip(predicted, target, strict=True):
        told.update(set(one))
        wanted.update(set(other))
        right.update(set(one) & set(other))
    return right, told, wanted


def _f1(right: int, both: int) -> float:
    """Of tags that are right, among those told and those wanted together."""
    return 2 * right / both if both else 1.0
