"""Means of rows that belong together: ten requests of one user say less than one request each of ten users.

A cluster is what such rows share: a user, an episode. Shares get the exact interval of Clopper and Pearson at the rows
that the clusters are worth (Korn and Graubard 1998, Survey Methodology 24:193); other means, and differences of two
versions on the same rows, the spread between clusters and Student's t at as many degrees of freedom (Miller 2024,
2411.00640), put right for skew (Hall 1992, JRSS B 54:221). Shares of rows alone, and their differences, get the exact
intervals of `stats.intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.stats.intervals import mean_interval
from homeostat.stats.intervals import paired as paired_alone
from homeostat.stats.paired import is_trinomial, noninferiority
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


CLUSTERS = ("user", "episode")
"""Tags whose rows belong together, the widest first."""


def cluster_of(tags: Mapping[str, str]) -> str:
    """What a row shares with others: its user, else its episode; empty where its tags name neither."""
    return next((f"{tag} {tags[tag]}" for tag in CLUSTERS if tags.get(tag)), "")


def asker(row: Interaction) -> str:
    """Whose request it is: the user's that a tag names, else the episode's; empty where neither is known."""
    return cluster_of(row.tags) or (f"episode {row.episode}" if row.episode else "")


def clusters_of(names: Sequence[str]) -> Ints:
    """int64[rows]: the number of each row's cluster, from 0; a row without a name is one of its own."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name or f"\0{k}", len(numbers)) for k, name in enumerate(names)], np.int64)


def whose(names: Sequence[str]) -> Ints | None:
    """int64[rows]: whose each row is; None where none of them says."""
    return clusters_of(names) if any(names) else None


def apart(clusters: Ints | None) -> bool:
    """Whether every row is a cluster of its own."""
    return clusters is None or len(np.unique(clusters)) == len(clusters)


def mean(values: ArrayLike, clusters: Ints | None = None, level: float = 0.95) -> Score:
    """The mean with its two-sided interval; `n` counts rows.

    Raises:
        ValueError: no values, or not as many clusters as values.
    """
    x = _held(values, clusters)
    if apart(clusters) or clusters is None:
        return mean_interval(x, level)
    if np.isin(x, (0.0, 1.0)).all():
        return _share(x, clusters, level)
    return _t(x, clusters, level, doubt=0.0)


def paired(
    a: ArrayLike, b: ArrayLike, clusters: Ints | None = None, level: float = 0.95, *, doubt: bool = False
) -> Score:
    """Mean of a - b over the same rows, with its two-sided interval.

    Two columns of right or wrong, of rows alone, get Tango's; in clusters, and with `doubt` of any, two clusters are
    added to the spread, one won wholly and one lost, as few rows that differ would else seem to be beyond doubt
    (Agresti and Min 2005, Biometrics 61:515).

    Raises:
        ValueError: no values, or unequal lengths.
    """
    x = _held(np.asarray(a, np.float64) - np.asarray(b, np.float64), clusters)
    if not doubt and is_trinomial(x) and apart(clusters):
        return paired_alone(x, np.zeros_like(x), level)
    of = np.arange(len(x)) if clusters is None else clusters
    return _t(x, of, level, doubt=float(doubt or is_trinomial(x)))


def p_above(values: ArrayLike, bound: float, clusters: Ints | None = None, *, doubt: bool = False) -> float:
    """p-value of the null hypothesis that the mean of paired differences is at most `bound`, which is 0 or below: the
    exact test for rows alone that are won, lost or neither (`stats.paired.noninferiority`), else Student's t as in
    `paired`.

    Raises:
        ValueError: no values.
    """
    x = _held(values, clusters)
    if not doubt and is_trinomial(x) and apart(clusters):
        return noninferiority(x, -bound)
    of = np.arange(len(x)) if clusters is None else clusters
    found = _spread(x, of, doubt=float(doubt or is_trinomial(x)))
    if not math.isfinite(found.error):
        return 1.0
    if found.error == 0.0:
        return float(found.middle <= bound)
    return float(stats.t.sf(found.straight((found.middle - bound) / found.error), found.freedom))


def quantile(values: ArrayLike, q: float, clusters: Ints | None = None, level: float = 0.95) -> Score:
    """The q-quantile (the least value that so many do not exceed) with its interval: the quantiles at both ends of the
    interval of the share below it (Woodruff 1952, JASA 47:635). It has no upper end where the rows are too few.

    Raises:
        ValueError: no values, or a q that is not between 0 and 1.
    """
    x = _held(values, clusters)
    if not 0.0 < q < 1.0:
        raise ValueError(f"{q} is no quantile")
    ordered = np.sort(x)
    found = float(ordered[math.ceil(q * len(x)) - 1])
    below = mean((x <= found).astype(np.float64), clusters, level)
    # The share below is as uncertain as that of any `q`, whatever ties there are at the value itself.
    low_share, high_share = below.low - (below.mean - q), below.high - (below.mean - q)
    low = float(ordered[max(math.floor(low_share * len(x)) - 1, 0)]) if low_share > 0.0 else float(ordered[0])
    high = float(ordered[math.ceil(high_share * len(x))]) if high_share * len(x) <= len(x) - 1 else math.inf
    return Score(mean=found, low=low, high=high, n=len(x))


def _held(values: ArrayLike, clusters: Ints | None) -> Floats:
    x = np.asarray(values, np.float64).ravel()
    if not len(x) or (clusters is not None and len(clusters) != len(x)):
        raise ValueError(f"{len(x)} values of {0 if clusters is None else len(clusters)} rows with a cluster")
    return x


def _residuals(x: Floats, clusters: Ints) -> Floats:
    """float64[clusters]: what each adds to the sum beyond the mean, in units of a cluster of average size."""
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=x - x.mean())
    return np.asarray(sums * len(sums) / len(x), np.float64)


@dataclass(frozen=True, slots=True)
class _Spread:
    """A mean, how uncertain it is by what lies between clusters, and how lopsided they lie."""

    middle: float
    error: float
    """Standard error; infinite of one cluster alone."""
    freedom: int
    lean: float
    """Skewness over the root of the number of clusters."""

    def straight(self, t: float) -> float:
        """A t statistic as it would be without the skew: few clusters that lost, and none that won, would else seem
        surer than they are (Hall 1992, JRSS B 54:221).
        """
        return t + self.lean / 6 + self.lean * t**2 / 3 + self.lean**2 * t**3 / 27

    def bent(self, t: float) -> float:
        """The other way round."""
        if abs(self.lean) < 1e-9:
            return t
        return 3 / self.lean * (float(np.cbrt(1 + self.lean * (t - self.lean / 6))) - 1)


def _spread(x: Floats, clusters: Ints, doubt: float) -> _Spread:
    """`doubt` is what two more clusters would lie above the mean and below it."""
    e, middle = _residuals(x, clusters), float(x.mean())
    if len(e) == 1:
        return _Spread(middle, math.inf, 1, 0.0)
    count, square = len(e) + 2 * bool(doubt), float(np.square(e).sum()) + 2.0 * doubt**2
    skew = float((e**3).sum()) / count / (square / count) ** 1.5 if square > 0.0 else 0.0
    return _Spread(middle, math.sqrt(square / (count - 1) / len(e)), len(e) - 1, skew / math.sqrt(count))


def _t(x: Floats, clusters: Ints, level: float, doubt: float) -> Score:
    found = _spread(x, clusters, doubt)
    if not math.isfinite(found.error):
        return Score(mean=found.middle, low=-math.inf, high=math.inf, n=len(x))
    far = float(stats.t.ppf((1 + level) / 2, found.freedom))
    low, high = (found.middle - found.error * found.bent(end) for end in (far, -far))
    return Score(mean=found.middle, low=low, high=high, n=len(x))


def _share(x: Floats, clusters: Ints, level: float) -> Score:
    """Clopper and Pearson's interval at the rows that clusters are worth, never more than there are; where all rows are
    alike, as many as there are clusters.
    """
    e, p, n = _residuals(x, clusters), float(x.mean()), len(x)
    if len(e) == 1:
        return Score(mean=p, low=0.0, high=1.0, n=n)
    spread = float(np.square(e).sum()) / (len(e) - 1) / len(e)
    worth = float(len(e))
    if spread > 0.0:
        known = float(stats.t.ppf((1 + level) / 2, n - 1) / stats.t.ppf((1 + level) / 2, len(e) - 1)) ** 2
        worth = min(p * (1.0 - p) / spread * known, float(n))
    k, tail = p * worth, (1 - level) / 2
    low = float(stats.beta.ppf(tail, k, worth - k + 1)) if p > 0.0 else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, worth - k)) if p < 1.0 else 1.0
    return Score(mean=p, low=low, high=high, n=n)
