"""Scores of replies that are one of a set of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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


def label_sums(predicted: Sequence[str], target: Sequence[str], labels: Sequence[str]) -> Floats:
    """float64[rows, 3 labels]: whether a row is right, is replied to, and should be replied to with each label.

    Their sums over rows are all that `macro_f1_of` and `macro_f1_of_targets` need, whichever rows are drawn again.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    _same_length(predicted, target)
    place, n = {label: k for k, label in enumerate(labels)}, len(labels)
    said, wanted = (np.array([place.get(label, -1) for label in side]) for side in (predicted, target))
    found, rows = np.zeros((len(target), 3 * n)), np.arange(len(target))
    for start, of, holds in ((0, said, said == wanted), (n, said, said >= 0), (2 * n, wanted, wanted >= 0)):
        at = rows[holds & (of >= 0)]
        found[at, start + of[at]] = 1.0
    return found


def macro_of(sums: Floats) -> Floats:
    """float64[…, 3]: mean precision, recall and F1 over the labels that are a reply or a target in the rows that were
    summed; a quotient whose denominator is zero counts as 0.
    """
    right, replied, wanted = np.split(sums, 3, axis=-1)
    counted = replied + wanted > 0
    quotients = [right / np.maximum(of, 1.0) for of in (replied, wanted)] + [2.0 * right / _both(replied, wanted)]
    return np.stack([_mean(each, counted) for each in quotients], axis=-1)


def macro_f1_of_targets(sums: Floats) -> Floats:
    """float64[…, 1]: mean F1 over the labels that are a target, so that two versions are held to the same labels."""
    right, replied, wanted = np.split(sums, 3, axis=-1)
    return _mean(2.0 * right / _both(replied, wanted), wanted > 0)[..., None]


def macro_f1_rows(sums: Floats) -> Floats:
    """float64[rows]: what each row adds to `macro_f1_of_targets`, to first order; their mean is that figure.

    Args:
        sums: of each row, as `label_sums` gives them.
    """
    right, replied, wanted = np.split(sums, 3, axis=-1)
    both, counted = _both(replied.sum(0), wanted.sum(0)), wanted.sum(0) > 0
    f1 = 2.0 * right.sum(0) / both
    pull = len(sums) * (2.0 * right - f1 * (replied + wanted)) / both
    return _mean(f1 + pull, np.broadcast_to(counted, pull.shape))


def _both(replied: Floats, wanted: Floats) -> Floats:
    return np.asarray(np.maximum(replied + wanted, 1.0), np.float64)


def _mean(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(counted, values, 0.0).sum(-1) / np.maximum(counted.sum(-1), 1), np.float64)


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
