"""Means that are never without their interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.stats.paired import is_trinomial, tango
from homeostat.types.report import Score

Floats = NDArray[np.float64]


def mean_interval(values: ArrayLike, level: float = 0.95) -> Score:
    """The mean with its two-sided interval: Clopper–Pearson (exact) if every value is 0 or 1, Student's t otherwise.

    Real values are taken as independent and roughly normal in the mean; below some hundred skewed values prefer
    `bootstrap`. One real value has an infinite interval.

    Raises:
        ValueError: no values.
    """
    x = _values(values)
    if np.isin(x, (0.0, 1.0)).all():
        return proportion(int(x.sum()), len(x), level)
    return _t_interval(x, level)


def proportion(k: int, n: int, level: float = 0.95) -> Score:
    """The share k/n with its exact two-sided interval (Clopper and Pearson 1934), which covers at least `level`.

    Raises:
        ValueError: n is zero, or k is not between 0 and n.
    """
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a share")
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return Score(mean=k / n, low=low, high=high, n=n)


def share_change(before: tuple[int, int], after: tuple[int, int], level: float = 0.95) -> Score:
    """The change of a share between two sets of rows, each given as (rows with it, rows), with its two-sided interval.

    Newcombe's hybrid of two Wilson intervals, which holds its level at shares near 0 and small numbers where the usual
    normal interval does not (Newcombe 1998, Statistics in Medicine 17:873, method 10). `n` is the rows of both.

    Raises:
        ValueError: no rows, or more rows with it than rows.
    """
    (low_1, share_1, high_1), (low_2, share_2, high_2) = (_wilson(k, n, level) for k, n in (before, after))
    mean = share_2 - share_1
    low = mean - np.hypot(share_2 - low_2, high_1 - share_1)
    high = mean + np.hypot(high_2 - share_2, share_1 - low_1)
    return Score(mean=mean, low=float(low), high=float(high), n=before[1] + after[1])


def upper_bound(k: int, n: int, level: float = 0.95) -> float:
    """The exact one-sided upper bound of the share k/n: above it, k or fewer come up less often than 1 - level.

    Raises:
        ValueError: n is zero, or k is not between 0 and n.
    """
    return proportion(k, n, 2 * level - 1).high


def paired(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Score:
    """Mean of a - b over the same rows, with its two-sided interval.

    Differences in {-1, 0, 1} (two right-or-wrong columns) get Tango's score interval, which stays honest where wins or
    losses are few or none; others Student's t. Tango 1998, Statistics in Medicine 17:891.

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    first, second = _values(a), _values(b)
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} values beside {len(second)}: not the same rows")
    differences = first - second
    if is_trinomial(differences):
        return _tango_interval(int((differences > 0).sum()), int((differences < 0).sum()), len(differences), level)
    return _t_interval(differences, level)


def bootstrap(
    values: ArrayLike,
    statistic: Callable[[Floats], float],
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Score:
    """Any statistic of rows with its percentile interval: rows (the first axis) are drawn again with replacement.

    For rows that belong together (one conversation), give one row per conversation.

    Raises:
        ValueError: no values.
    """
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        raise ValueError("no values")
    rng = np.random.default_rng(seed)
    again = [statistic(x[rng.integers(0, len(x), len(x))]) for _ in range(draws)]
    low, high = np.quantile(again, ((1 - level) / 2, (1 + level) / 2))
    return Score(mean=float(statistic(x)), low=float(low), high=float(high), n=len(x))


def _values(values: ArrayLike | Sequence[float]) -> Floats:
    x = np.asarray(values, dtype=np.float64).ravel()
    if not len(x):
        raise ValueError("no values")
    return x


def _wilson(k: int, n: int, level: float) -> tuple[float, float, float]:
    """Wilson's interval of k/n: its low end, the share, its high end."""
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a share")
    z, share = float(stats.norm.ppf((1 + level) / 2)), k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return max(middle - half, 0.0), share, min(middle + half, 1.0)


def _t_interval(x: Floats, level: float) -> Score:
    mean = float(x.mean())
    if len(x) == 1:
        return Score(mean=mean, low=-np.inf, high=np.inf, n=1)
    half = float(stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return Score(mean=mean, low=mean - half, high=mean + half, n=len(x))


def _tango_interval(wins: int, losses: int, n: int, level: float) -> Score:
    """Every difference that a two-sided score test at this level does not refuse."""
    z, mean = float(stats.norm.ppf((1 + level) / 2)), (wins - losses) / n

    def edge(outer: float) -> float:
        """The last difference that is kept on the way from the mean to the end of the scale, by bisection."""
        kept = mean
        for _ in range(50):
            middle = (kept + outer) / 2
            statistic = float(tango(np.array([wins]), np.array([losses]), n, middle)[0])
            kept, outer = (middle, outer) if abs(statistic) < z else (kept, middle)
        return kept

    return Score(mean=mean, low=edge(-1.0), high=edge(1.0), n=n)
