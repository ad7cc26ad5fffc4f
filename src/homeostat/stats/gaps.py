"""How far groups are apart: the largest difference of their means, with bounds that hold for any number of groups.

That a gap is small has to be shown of every pair of groups (intersection-union, Berger 1982), so the upper bound is the
highest of the pairs' and needs no correction. That it is large may be shown of any pair, so the lower bound is the
highest of the pairs' at alpha divided by their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.stats.intervals import share_change
from homeostat.types.report import Score

Floats = NDArray[np.float64]
Groups = Mapping[str, ArrayLike]
"""Group -> float[rows of it]: 0 or 1, or real values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The largest difference of the means of two groups."""

    score: Score
    """The difference, never negative, with one-sided bounds at alpha each; `n` is the rows of all groups."""
    most: str
    """The group with the higher mean."""
    least: str


def gap(groups: Groups, *, alpha: float = 0.05, family: int = 0) -> Gap:
    """The largest gap between two of the groups.

    Means of 0 and 1 get Newcombe's interval (`stats.intervals.share_change`), others Welch's. The estimate itself is
    the largest of several and so rather too large where groups are many and small; its bounds are not.

    Args:
        groups: two groups or more, none of them empty; of real values two rows each.
        alpha: of each bound.
        family: pairs of groups, each in both directions, that are looked at together with these; 0 for these alone.

    Raises:
        ValueError: fewer than two groups, or an empty one.
    """
    values = _values(groups)
    pairs = list(permutations(values, 2))
    means = {name: float(of.mean()) for name, of in values.items()}
    most, least = max(means, key=means.__getitem__), min(reversed(means), key=means.__getitem__)
    corrected = alpha / (family or len(pairs))
    lower = max(_between(values[a], values[b], corrected)[0] for a, b in pairs)
    upper = max(_between(values[a], values[b], alpha)[1] for a, b in pairs)
    rows = sum(map(len, values.values()))
    score = Score(mean=means[most] - means[least], low=max(lower, 0.0), high=upper, n=rows)
    return Gap(score=score, most=most, least=least)


def within(groups: Groups, margin: float, *, alpha: float = 0.05) -> float:
    """p-value of the null hypothesis that two of the groups are `margin` or more apart.

    At most alpha just where the upper bound of `gap` lies below the margin. Raises as `gap`.
    """
    values, z = _values(groups), float(stats.norm.isf(alpha))
    worst = 0.0
    for a, b in permutations(values, 2):
        difference = float(values[a].mean() - values[b].mean())
        error = (_between(values[a], values[b], alpha)[1] - difference) / z
        worst = max(worst, float(stats.norm.sf((margin - difference) / error)) if error else float(difference > margin))
    return worst


def widened(now: Groups, before: Groups, *, alpha: float = 0.05, family: int = 0) -> float:
    """Lower bound, at 1 - alpha, of how much farther apart some pair of groups has come than it was.

    `before` holds the same rows under another version, in the same order. Of a pair, now a over b by d and before by e,
    that is the lesser of d - e and d + e, so a gap that has only turned round has not grown.

    Raises:
        ValueError: as `gap`, or the two do not hold the same rows.
    """
    new, old = _values(now), _values(before)
    if {name: len(of) for name, of in new.items()} != {name: len(of) for name, of in old.items()}:
        raise ValueError("not the same rows")
    pairs = list(permutations(new, 2))
    corrected = alpha / (family or len(pairs))
    bounds = [
        min(_welch(new[a] - sign * old[a], new[b] - sign * old[b], corrected)[0] for sign in (1.0, -1.0))
        for a, b in pairs
    ]
    return max(bounds)


def _between(first: Floats, second: Floats, alpha: float) -> tuple[float, float]:
    """One-sided bounds of mean(first) - mean(second), each at alpha."""
    if np.isin(np.concatenate([first, second]), (0.0, 1.0)).all():
        found = share_change((int(second.sum()), len(second)), (int(first.sum()), len(first)), 1.0 - 2.0 * alpha)
        return found.low, found.high
    return _welch(first, second, alpha)


def _welch(first: Floats, second: Floats, alpha: float) -> tuple[float, float]:
    """The same for real values. A row that is one above, and one that is one below, is added to each variance, so that
    rows which happen to be all alike leave some doubt.
    """
    difference, parts = float(first.mean() - second.mean()), [_doubt(first), _doubt(second)]
    error = math.sqrt(sum(parts))
    freedom = error**4 / sum(part**2 / (len(of) + 1) for part, of in zip(parts, (first, second), strict=True))
    reach = float(stats.t.isf(alpha, freedom)) * error
    return difference - reach, difference + reach


def _doubt(values: Floats) -> float:
    """Squared standard error of the mean."""
    return (float(np.square(values - values.mean()).sum()) + 2.0) / (len(values) + 1) / len(values)


def _values(groups: Groups) -> dict[str, Floats]:
    values = {name: np.asarray(of, dtype=np.float64).ravel() for name, of in groups.items()}
    if len(values) < 2 or not all(map(len, values.values())):
        raise ValueError("a gap lies between two groups or more, each with rows")
    return values
