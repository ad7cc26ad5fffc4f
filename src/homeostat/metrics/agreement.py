"""How far two who judge the same replies agree: Cohen's kappa, and correlation; as functions of sums over rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def verdict_sums(one: Sequence[bool], other: Sequence[bool]) -> Floats:
    """float64[rows, 4]: both say yes, only the first, only the second, neither; their sums give `kappa_of`.

    Raises:
        ValueError: unequal lengths.
    """
    mine, theirs = np.asarray(one, bool), np.asarray(other, bool)
    if mine.shape != theirs.shape:
        raise ValueError(f"{len(mine)} verdicts beside {len(theirs)}")
    return np.stack([mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs], axis=-1).astype(np.float64)


def kappa_of(sums: Floats) -> Floats:
    """float64[…, 1]: Cohen's kappa: 1 for the same verdicts, 0 for as many as chance gives two who do not look, and
    where both say one thing alone, of which nothing can be told (Cohen 1960, Educational and Psychological Measurement
    20:37).
    """
    yes, mine, theirs, no = (sums[..., k] for k in range(4))
    n = np.maximum(yes + mine + theirs + no, 1e-300)
    seen = (yes + no) / n
    chance = ((yes + mine) * (yes + theirs) + (no + mine) * (no + theirs)) / n**2
    apart = 1.0 - chance
    return np.asarray(np.where(apart > 1e-12, (seen - chance) / np.maximum(apart, 1e-12), 0.0)[..., None], np.float64)


def pair_sums(one: Sequence[float], other: Sequence[float]) -> Floats:
    """float64[rows, 6]: 1, both values, their squares and their product; their sums give `correlation_of`.

    Raises:
        ValueError: unequal lengths.
    """
    x, y = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if x.shape != y.shape:
        raise ValueError(f"{len(x)} values beside {len(y)}")
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def correlation_of(sums: Floats) -> Floats:
    """float64[…, 1]: Pearson's correlation; 0 where one of the two is the same everywhere."""
    n, x, y, xx, yy, xy = (sums[..., k] for k in range(6))
    n = np.maximum(n, 1e-300)
    spread = np.sqrt(np.maximum(xx / n - (x / n) ** 2, 0.0) * np.maximum(yy / n - (y / n) ** 2, 0.0))
    together = xy / n - x * y / n**2
    return np.asarray(np.where(spread > 1e-12, together / np.maximum(spread, 1e-12), 0.0)[..., None], np.float64)
