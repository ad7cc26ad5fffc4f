"""Scores of replies that are numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def mean_absolute_error(predicted: Sequence[float], target: Sequence[float]) -> float:
    """Mean distance, in the unit of the numbers.

    Raises:
        ValueError: no rows, unequal lengths, or a number that is not finite.
    """
    return float(np.abs(_errors(predicted, target)).mean())


def root_mean_squared_error(predicted: Sequence[float], target: Sequence[float]) -> float:
    """Root of the mean squared distance, in the unit of the numbers; large errors count for more.

    Raises:
        ValueError: no rows, unequal lengths, or a number that is not finite.
    """
    return float(np.sqrt((_errors(predicted, target) ** 2).mean()))


def r_squared(predicted: Sequence[float], target: Sequence[float]) -> float:
    """1 - mean squared error / variance of the targets; 0 for telling their mean, below 0 for worse than that.

    Raises:
        ValueError: as above, or all targets are equal.
    """
    errors, variance = _errors(predicted, target), float(np.var(np.asarray(target, np.float64)))
    if variance == 0:
        raise ValueError("all targets are equal: there is nothing to explain")
    return 1.0 - float((errors**2).mean()) / variance


def error_sums(predicted: Sequence[float], target: Sequence[float]) -> NDArray[np.float64]:
    """float64[rows, 4]: 1, the squared error, the target and its square, whose sums `fit_of` needs.

    Raises:
        ValueError: as above.
    """
    wanted = np.asarray(target, np.float64)
    return np.stack([np.ones_like(wanted), _errors(predicted, target) ** 2, wanted, wanted**2], axis=-1)


def fit_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[…, 2]: root of the mean squared error, and R², of rows that were summed; where all targets are equal
    there is nothing to explain, and R² is 0.
    """
    n, squares, total, of_squares = (sums[..., k] for k in range(4))
    left, variance = squares / np.maximum(n, 1e-300), of_squares - total**2 / np.maximum(n, 1e-300)
    explained = np.where(variance > 0, 1.0 - squares / np.where(variance > 0, variance, 1.0), 0.0)
    return np.stack([np.sqrt(left), explained], axis=-1)


def _errors(predicted: Sequence[float], target: Sequence[float]) -> NDArray[np.float64]:
    told, wanted = np.asarray(predicted, np.float64), np.asarray(target, np.float64)
    if told.shape != wanted.shape or told.ndim != 1:
        raise ValueError(f"{told.shape} numbers told for {wanted.shape} targets")
    if not len(told):
        raise ValueError("no rows to score")
    if not (np.isfinite(told).all() and np.isfinite(wanted).all()):
        raise ValueError("a number is not finite")
    errors: NDArray[np.float64] = told - wanted
    return errors
