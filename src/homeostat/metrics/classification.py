"""Scores of replies that are one of a set of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScore:
    """How one label fares. A quotient whose denominator is zero counts as 0."""

    precision: float
    """Share of the replies with this label that are right."""
    recall: float
    """Share of the rows whose target is this label that got it."""
    f1: float
    """Harmonic mean of the two."""
    predicted: int
    """Replies with this label."""
    n: int
    """Rows whose target is this label."""


def accuracy(predicted: Sequence[Hashable], target: Sequence[Hashable]) -> float:
    """Share of the rows whose reply equals the target, in [0, 1].

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    _same_length(predicted, target)
    return sum(p == t for p, t in zip(predicted, target, strict=True)) / len(target)


def per_class(predicted: Sequence[str], target: Sequence[str]) -> dict[str, LabelScore]:
    """Precision, recall and F1 of every label that is a reply or a target, in alphabetical order.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    _same_length(predicted, target)
    replied, wanted = Counter(predicted), Counter(target)
    right = Counter(t for p, t in zip(predicted, target, strict=True) if p == t)
    return {label: _score(right[label], replied[label], wanted[label]) for label in sorted(replied | wanted)}


def macro_f1(predicted: Sequence[str], target: Sequence[str]) -> float:
    """Mean F1 over the labels, each label counting the same however rare it is, in [0, 1].

    A label that was replied but is nobody's target counts, with an F1 of 0.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    scores = per_class(predicted, target)
    return sum(score.f1 for score in scores.values()) / len(scores)


def _score(right: int, replied: int, wanted: int) -> LabelScore:
    return LabelScore(
        precision=right / replied if replied else 0.0,
        recall=right / wanted if wanted else 0.0,
        f1=2 * right / (replied + wanted),
        predicted=replied,
        n=wanted,
    )


def _same_length(predicted: Sequence[Hashable], target: Sequence[Hashable]) -> None:
    if len(predicted) != len(target):
        raise ValueError(f"{len(predicted)} replies for {len(target)} targets")
    if not len(target):
        raise ValueError("no rows to score")
