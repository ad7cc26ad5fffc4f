"""Bets where rows belong together: whoever comes back is heard once, at each of a few depths.

Ten requests of one user fare alike, so after his first one the mean of the next is no longer what the null hypothesis
says of a request: a bet on it is not fair, and a product over all rows is evidence of nothing. Of a user only one
number may be bet on, and the bet has to be linear in it. At depth k that is the mean of his first k rows, which is
known with the k-th: the first row counts at once, deeper means later and for more, as they scatter less. Users are
apart, so the bets at one depth are a supermartingale; those of several depths are not one together, as each knows what
another has not yet been paid for. Therefore the allowance is split, and the best depth counts (Bonferroni; adjusters
are the finer way, Choe and Ramdas 2024, 2402.09698).

What is told is a mean over users, each of whom counts once, of those who ask so often; how often somebody asks must not
hang on how well he was answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.clustered import Ints

Floats = NDArray[np.float64]

DEPTHS: Mapping[int, float] = {1: 0.9, 3: 0.05, 9: 0.05}
"""Depth -> its part of the allowance of false alarms. Where nobody comes back, nine tenths are left: 2 % more rows at
1 %, 4 % more at 5 %."""
_ALONE: Mapping[int, float] = {1: 1.0}


def depths(clusters: Ints | None) -> Mapping[int, float]:
    """The depths that are bet at, with their parts; the first alone where rows do not say whose they are."""
    return _ALONE if clusters is None else DEPTHS


def at_depth(values: ArrayLike, clusters: Ints | None, depth: int) -> Floats:
    """float64[users, ...]: the mean of the first `depth` rows of everybody who has as many, in the order in which these
    were complete.

    Args:
        values: float64[rows, ...], in the order in which they became known.
        clusters: int64[rows]: whose each row is, from 0; None where each is somebody else's.
        depth: rows of each that are heard, 1 or more.

    Raises:
        ValueError: not as many clusters as rows, or a depth below 1.
    """
    x = np.asarray(values, np.float64)
    if depth < 1 or (clusters is not None and len(clusters) != len(x)):
        raise ValueError(f"depth {depth} of {len(x)} rows in {0 if clusters is None else len(clusters)} places")
    if clusters is None:
        return x if depth == 1 else x[:0]
    before = turns(clusters)
    last = before == depth - 1
    if depth == 1:
        return np.asarray(x[last], np.float64)
    sums = np.zeros((int(clusters.max(initial=-1)) + 1, *x.shape[1:]))
    np.add.at(sums, clusters[before < depth], x[before < depth])
    return np.asarray(sums[clusters[last]] / depth, np.float64)


def turns(clusters: Ints) -> Ints:
    """int64[rows]: how many rows of the same came before each."""
    order = np.argsort(clusters, kind="stable")
    first = np.searchsorted(clusters[order], clusters[order])
    found = np.empty(len(clusters), np.int64)
    found[order] = np.arange(len(clusters)) - first
    return found


def least_p(p_of: Callable[[Floats, int], float], values: ArrayLike, clusters: Ints | None) -> float:
    """p-value of a claim by the best depth: what `p_of` says of the values at a depth, over the depth's part."""
    found = (p_of(at_depth(values, clusters, depth), depth) / part for depth, part in depths(clusters).items())
    return min(1.0, *found)


def most_wealth(by_depth: Mapping[int, float], parts: Mapping[int, float]) -> float:
    """Natural logarithm of the wealth that counts: the highest of those at each depth, which had only a part of the
    allowance.
    """
    return max(value + math.log(parts[depth]) for depth, value in by_depth.items())
