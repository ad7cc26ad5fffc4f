"""When the change came: a point, and the stretch in which it lies with a probability of 95 %."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

LEVEL = 0.95
EDGE = 5
"""Rows at either end between which no change is looked for."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where a sequence of rows changes, as numbers of rows."""

    row: int
    """The first changed row, by the best guess."""
    low: int
    high: int
    """First and last row that may be the first changed one."""


def change_of(scores: Floats) -> Change | None:
    """Where scores, float64[rows, channels] in the order of time, change their level; None of fewer than 20 rows.

    The likelihood of a step in the mean of each channel's normal scores, averaged over the channels, with every row as
    likely to be the first changed one before looking: `row` is the likeliest, and the rows from `low` to `high` hold
    LEVEL of the probability. A guess under a model of normal scores with one step and no drift beside it; how often
    the stretch holds the truth is measured (`bench/watch_3.py`). NaN is taken as unremarkable.
    """
    rows = len(scores)
    if rows < 4 * EDGE:
        return None
    places = np.arange(EDGE, rows - EDGE + 1)
    logs = special.logsumexp([_likelihood(column, places) for column in scores.T], axis=0)
    weight = np.exp(logs - special.logsumexp(logs))
    order = np.argsort(-weight, kind="stable")
    kept = places[order[: int(np.searchsorted(np.cumsum(weight[order]), LEVEL)) + 1]]
    return Change(int(places[order[0]]), int(kept.min()), int(kept.max()))


def _likelihood(column: Floats, places: NDArray[np.int64]) -> Floats:
    """Logarithm of the likelihood ratio of a step at each place against none: its mean on either side is fitted."""
    z = normal_scores(column)
    total = np.concatenate([[0.0], np.cumsum(z)])
    first, n = total[places], len(z)
    return np.asarray((first**2 / places + (total[-1] - first) ** 2 / (n - places) - total[-1] ** 2 / n) / 2)


def normal_scores(values: Floats) -> Floats:
    """The normal deviates of the ranks of values (van der Waerden), ties shared; 0 for NaN and where all are equal."""
    known = ~np.isnan(values)
    out = np.zeros(len(values))
    if known.any():
        ranks = stats.rankdata(values[known])
        out[known] = special.ndtri(ranks / (known.sum() + 1.0))
    return out
