"""Pearson's chi-square and the G-test: have the shares of labels moved?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Labels, Shape

Ints = NDArray[np.int64]

LEAST = 5
"""Expected rows below which a label joins the others that are as rare: the approximation needs about so many."""


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """For labels (Pearson 1900). On the feature `reply` it is black-box shift detection on hard predictions (Lipton,
    Wang and Smola 2018, 1802.03916).
    """

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Labels."""
        return shape is Shape.LABEL

    def __call__(self, reference: Labels, current: Labels) -> Comparison:
        """The statistic, its p-value, and as effect the largest change of a share."""
        return _tested("chi_square", "pearson", reference, current)


@dataclass(frozen=True, slots=True)
class G:
    """For labels, by the likelihood ratio: the same question, in units of information (2 n times the mutual
    information of label and window, in nats).
    """

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Labels."""
        return shape is Shape.LABEL

    def __call__(self, reference: Labels, current: Labels) -> Comparison:
        """The statistic, its p-value, and as effect the largest change of a share."""
        return _tested("g", "log-likelihood", reference, current)


def counts(reference: Labels, current: Labels) -> tuple[Labels, Ints]:
    """The labels of both windows, sorted, and how often each has them: int64[2, labels]."""
    labels, place = np.unique(np.concatenate([reference, current]), return_inverse=True)
    halves = (place[: len(reference)], place[len(reference) :])
    return labels, np.array([np.bincount(half, minlength=len(labels)) for half in halves], dtype=np.int64)


def largest_change(reference: Labels, current: Labels) -> tuple[str, float]:
    """The label whose share moved most, and by how much."""
    labels, table = counts(reference, current)
    before, after = table / table.sum(axis=1, keepdims=True)
    place = int(np.abs(after - before).argmax())
    return str(labels[place]), float(after[place] - before[place])


def pooled(table: Ints) -> Ints:
    """The table with rare labels in one column. Which are rare is read from both windows together, so that where
    nothing moved the choice does not know them apart.
    """
    expected = table.sum(axis=0) * (table.sum(axis=1).min() / table.sum())
    rare = expected < LEAST
    if rare.any() and expected[rare].sum() < LEAST and not rare.all():
        rare = rare | (expected == expected[~rare].min())
    if rare.sum() < 2:
        return table
    return np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])


def _tested(name: str, power: str, reference: Labels, current: Labels) -> Comparison:
    table = pooled(counts(reference, current)[1])
    statistic, p = 0.0, 1.0
    if table.shape[1] > 1:
        statistic, p = stats.chi2_contingency(table, correction=False, lambda_=power)[:2]
    return Comparison(
        name=name,
        statistic=float(statistic),
        p_value=float(p),
        effect=largest_change(reference, current)[1],
        n_reference=len(reference),
        n_current=len(current),
    )
