"""Permutation p-values: how often a split of the rows by lot shows as much as the one that time made.

Exact at any number of rows and for any statistic, as long as nothing tells the rows of the windows apart. What it costs
is a product of splits and rows, so the slower statistics look at a fixed number of rows at most, drawn by lot.
"""

from __future__ import annotations

import numpy as np

from homeostat.monitor.features.feature import Floats, Values

PERMUTATIONS = 999
"""Splits by lot: a p-value cannot be less than one in a thousand."""


def drawn(values: Values, most: int, seed: int) -> Values:
    """At most so many rows, drawn by lot without replacement, in the order they had."""
    if len(values) <= most:
        return values
    return values[np.sort(np.random.default_rng(seed).choice(len(values), most, replace=False))]


def splits(n_reference: int, n_current: int, permutations: int, seed: int) -> Floats:
    """The split that is there, then others by lot, float64[1 + permutations, rows of both].

    A row of the reference weighs 1/n_reference, one of the current window -1/n_current: times a column of values this
    is the difference of the means.
    """
    weights = np.concatenate([np.full(n_reference, 1 / n_reference), np.full(n_current, -1 / n_current)])
    lots = np.random.default_rng(seed).permuted(np.broadcast_to(weights, (permutations, len(weights))), axis=1)
    return np.vstack([weights, lots])


def p_value(statistics: Floats) -> float:
    """Share of the splits that show at least as much as the first, which is counted among them."""
    slack = 1e-12 * max(1.0, float(np.abs(statistics).max()))
    return float(np.mean(statistics >= statistics[0] - slack))


def quadratic(weights: Floats, matrix: Floats) -> Floats:
    """The form w M w for each row w of the splits."""
    return np.asarray(np.einsum("ij,ij->i", weights @ matrix, weights), dtype=np.float64)
