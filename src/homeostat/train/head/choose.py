"""The ridge that leaving every row out in turn speaks for, in closed form: e = (y − ŷ) / (1 − h).

All ridges share one decomposition: of the rows' own Gram matrix or that of the features, whichever is smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import eigh

from homeostat.llm.features import Floats

RIDGES = (1e-2, 1e-1, 1.0, 1e1, 1e2)


def choose_ridge(features: Floats, targets: Sequence[str]) -> float:
    """The ridge of RIDGES with the best leave-one-out accuracy; the smallest of several.

    Args:
        features: float64[n, width].
        targets: the label of each row.
    """
    labels = sorted(set(targets))
    hot = np.equal.outer(np.array(targets), np.array(labels)).astype(float)
    right = hot.argmax(1)
    found = [(float((told.argmax(1) == right).mean()), -ridge) for ridge, told in _left_out(features, hot)]
    return -max(found)[1]


def choose_ridge_of_values(features: Floats, values: Floats) -> float:
    """The ridge of RIDGES with the least leave-one-out squared error, for a head with an intercept.

    Args:
        features: float64[n, width].
        values: float64[n].
    """
    told = _left_out(features - features.mean(0), (values - values.mean())[:, None], of_mean=1.0 / len(values))
    found = [(float(((ahead[:, 0] + values.mean() - values) ** 2).mean()), ridge) for ridge, ahead in told]
    return min(found)[1]


def _left_out(features: Floats, targets: Floats, of_mean: float = 0.0) -> Iterator[tuple[float, Floats]]:
    """Each ridge, and what is said of every row by the others: float64[n, columns].

    `of_mean` is what a row's own target weighs in what the columns were centered by.
    """
    basis, values = _basis(features)
    inside = basis.T @ targets
    for ridge in RIDGES:
        shrunk = values / (values + ridge)
        fitted = basis @ (shrunk[:, None] * inside)
        leverage = basis**2 @ shrunk + of_mean
        yield ridge, targets - (targets - fitted) / np.maximum(1.0 - leverage, 1e-6)[:, None]


def _basis(features: Floats) -> tuple[Floats, Floats]:
    """Left singular vectors float64[n, rank] and squared singular values float64[rank] of the features."""
    rows, width = features.shape
    values, vectors = eigh(features @ features.T if rows < width else features.T @ features, check_finite=False)
    real = values > 1e-12 * max(float(values[-1]), 1e-300)
    values, vectors = values[real], vectors[:, real]
    return (vectors if rows < width else features @ vectors / np.sqrt(values)), values
