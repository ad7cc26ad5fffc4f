"""Many tests at once: p-values that stay honest although somebody looks for the smallest of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values, in the order given: refusing all below alpha errs anywhere with probability at most
    alpha, whatever the tests have to do with each other (Holm 1979, Scandinavian Journal of Statistics 6:65).

    Raises:
        ValueError: a p-value that is not in [0, 1].
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    rising = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _back(np.minimum(rising, 1.0), order)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """The q-value of each p-value, in the order given: of all that are refused at q <= alpha, a share of at most alpha
    is refused wrongly on average (Benjamini and Hochberg 1995, JRSS B 57:289). For independent tests, and for tests
    that tend to err together.

    Raises:
        ValueError: a p-value that is not in [0, 1].
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    return _back(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _checked(p_values: ArrayLike) -> Floats:
    p = np.asarray(p_values, dtype=np.float64).ravel()
    # `not all` and not `any not`, so that a NaN is refused too.
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("a p-value is not in [0, 1]")
    return p


def _back(adjusted: Floats, order: NDArray[np.int64]) -> Floats:
    """Sorted values in the order they came in."""
    out = np.empty_like(adjusted)
    out[order] = adjusted
    return out
