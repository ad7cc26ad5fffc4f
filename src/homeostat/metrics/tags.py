"""Scores of replies that are sets of tags, of which none, one or several hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence


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
