"""How far groups are apart: the largest difference of their means, with bounds that hold for any number of groups.

That a gap is small has to be shown of every pair of groups (intersection-union, Berger 1982), so the upper bound is the
highest of the pairs' and needs no correction. That it is large may be shown of any pair, so the lower bound is the
highest of the pairs' at alpha divided by their number.

Rows of one user fare alike, and a bound that takes them for rows of as many users is surer than it may be. Where it is
said whose rows are, each bound is the wider one of two: that of rows alone, and that of the spread between users
(Miller 2024, 2411.00640). A user with rows in both groups counts in each, which widens it where they fare alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.stats.clustered import Ints, apart
from homeostat.stats.intervals import share_change
from homeostat.types.report import Score

Floats = NDArray[np.float64]
Groups = Mapping[str, ArrayLike]
"""Group -> float[rows of it]: 0 or 1, or real values."""
Whose = Mapping[str, Ints]
"""Group -> int64[rows of it]: whose each row is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The largest difference of the means of two groups."""

    score: Score
    """The difference, never negative, with one-sided bounds at alpha each; `n` is the rows of all groups."""
    most: str
    """The group with the higher mean."""
    least: str


def gap(groups: Groups, *, alpha: float = 0.05, family: int = 0, whose: Whose | None = None) -> Gap:
    """The largest gap between two of the groups.

    Means of 0 and 1 get Newcombe's interval (`stats.intervals.share_change`), others Welch's. The estimate itself is
    the largest of several and so rather too large where groups are many and small; its bounds are not.

    Args:
        groups: two groups or more, none of them empty; of real values two rows each.
        alpha: of each bound.
        family: pairs of groups, each in both directions, that are looked at together with these; 0 for these alone.
        whose: whose the rows are; None where each is somebody else's.

    Raises:
        ValueError: fewer than two groups, or an empty one.
    """
    values = _values(groups, whose)
    pairs = list(permutations(values, 2))
    means = {name: of.mean for name, of in values.items()}
    most, least = max(means, key=means.__getitem__), min(reversed(means), key=means.__getitem__)
    corrected = alpha / (family or len(pairs))
    lower = max(_between(values[a], values[b], corrected)[0] for a, b in pairs)
    upper = max(_between(values[a], values[b], alpha)[1] for a, b in pairs)
    rows = sum(map(len, values.values()))
    score = Score(mean=means[most] - means[least], low=max(lower, 0.0), high=upper, n=rows)
    return Gap(score=score, most=most, least=least)


def within(groups: Groups, margin: float, *, alpha: float = 0.05, whose: Whose | None = None) -> float:
    """p-value of the null hypothesis that two of the groups are `margin` or more apart.

    At most alpha just where the upper bound of `gap` lies below the margin. Raises as `gap`.
    """
    values, z = _values(groups, whose), float(stats.norm.isf(alpha))
    worst = 0.0
    for a, b in permutations(values, 2):
        difference = values[a].mean - values[b].mean
        error = (_between(values[a], values[b], alpha)[1] - difference) / z
        worst = max(worst, float(stats.norm.sf((margin - difference) / error)) if error else float(difference > margin))
    return worst


def widened(now: Groups, before: Groups, *, alpha: float = 0.05, family: int = 0, whose: Whose | None = None) -> float:
    """Lower bound, at 1 - alpha, of how much farther apart some pair of groups has come than it was.

    `before` holds the same rows under another version, in the same order. Of a pair, now a over b by d and before by e,
    that is the lesser of d - e and d + e, so a gap that has only turned round has not grown.

    Raises:
        ValueError: as `gap`, or the two do not hold the same rows.
    """
    new, old = _values(now, whose), _values(before, whose)
    if {name: len(of) for name, of in new.items()} != {name: len(of) for name, of in old.items()}:
        raise ValueError("not the same rows")
    pairs = list(permutations(new, 2))
    corrected = alpha / (family or len(pairs))
    bounds = [
        min(_welch(new[a].less(old[a], sign), new[b].less(old[b], sign), corrected)[0] for sign in (1.0, -1.0))
        for a, b in pairs
    ]
    return max(bounds)


def difference(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95, whose: tuple[Ints, Ints] | None = None
) -> Score:
    """The mean of a group less that of another one, with its two-sided interval; `n` is the rows of the first.

    Args:
        first: float[rows]; intervals as in `gap`.
        second: float[rows] of the others.
        level: of the interval. Who looks at many groups takes 1 minus alpha over their number.
        whose: whose the rows of each are; None where each is somebody else's.

    Raises:
        ValueError: as `gap`.
    """
    names = ("first", "second")
    of = _values(dict(zip(names, (first, second), strict=True)), whose and dict(zip(names, whose, strict=True)))
    low, high = _between(of["first"], of["second"], (1.0 - level) / 2.0)
    return Score(mean=of["first"].mean - of["second"].mean, low=low, high=high, n=len(of["first"]))


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of a group."""

    values: Floats
    whose: Ints | None = None
    """None where each is somebody else's."""

    def __len__(self) -> int:
        """Rows."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Of the rows."""
        return float(self.values.mean())

    def less(self, other: _Group, sign: float) -> _Group:
        """The same rows with other values taken off, or added."""
        return _Group(self.values - sign * other.values, self.whose)

    @property
    def sums(self) -> Floats:
        """float64[users]: what each adds to the mean, beyond it, in units of a user of usual size."""
        whose = np.arange(len(self)) if self.whose is None else np.unique(self.whose, return_inverse=True)[1]
        sums = np.bincount(whose, weights=self.values - self.mean)
        return np.asarray(sums * len(sums) / len(self), np.float64)


def _between(first: _Group, second: _Group, alpha: float) -> tuple[float, float]:
    """One-sided bounds of mean(first) - mean(second), each at alpha."""
    if not np.isin(np.concatenate([first.values, second.values]), (0.0, 1.0)).all():
        return _welch(first, second, alpha)
    one, other = ((int(of.values.sum()), len(of)) for of in (first, second))
    found = share_change(other, one, 1.0 - 2.0 * alpha)
    if first.whose is None and second.whose is None:
        return found.low, found.high
    low, high = _welch(first, second, alpha)
    return min(low, found.low), max(high, found.high)


def _welch(first: _Group, second: _Group, alpha: float) -> tuple[float, float]:
    """The same for real values. A user that is one above, and one that is one below, is added to each variance, so that
    rows which happen to be all alike leave some doubt.
    """
    difference, sums = first.mean - second.mean, (first.sums, second.sums)
    parts = [_doubt(of) for of in sums]
    error = math.sqrt(sum(parts))
    freedom = error**4 / sum(part**2 / (len(of) + 1) for part, of in zip(parts, sums, strict=True))
    reach = float(stats.t.isf(alpha, freedom)) * error
    return difference - reach, difference + reach


def _doubt(sums: Floats) -> float:
    """Squared standard error of the mean."""
    return (float(np.square(sums).sum()) + 2.0) / (len(sums) + 1) / len(sums)


def _values(groups: Groups, whose: Whose | None) -> dict[str, _Group]:
    values = {name: np.asarray(of, dtype=np.float64).ravel() for name, of in groups.items()}
    if len(values) < 2 or not all(map(len, values.values())):
        raise ValueError("a gap lies between two groups or more, each with rows")
    found = dict[str, _Group]()
    for name, of in values.items():
        clusters = None if whose is None else whose[name]
        if clusters is not None and len(clusters) != len(of):
            raise ValueError(f"{len(of)} rows of '{name}', and {len(clusters)} that say whose they are")
        found[name] = _Group(of, None if apart(clusters) else clusters)
    return found
