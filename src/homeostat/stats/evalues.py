"""E-values: evidence whose mean is at most 1 where nothing moved, so that it may be weighted, averaged and sorted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ODDS = (-3.0, -1.5, -0.7, 0.7, 1.5, 3.0, 5.0)
"""Changes of the log-odds that are bet on, in equal parts."""


def share_evidence(after: ArrayLike, both: ArrayLike, n_after: int, n_both: int) -> Floats:
    """Natural logarithm of the e-value, per set of rows, against "its share is the same before and after".

    `after` and `both` say how many of the `n_after` and `n_both` rows are in the set. While the rows of both windows
    are exchangeable, the number in the second window is hypergeometric given the number in both, whatever the share;
    the e-value is the mean over ODDS of that of Fisher's noncentral alternative. So its mean is 1 at any size.

    Raises:
        ValueError: more rows in a part than in the whole.
    """
    inside, total = (np.atleast_1d(np.asarray(x, dtype=np.int64)) for x in (after, both))
    if (
        np.any(inside > np.minimum(total, n_after))
        or np.any(total > n_both)
        or np.any(total - inside > n_both - n_after)
    ):
        raise ValueError("more rows in a part than in the whole")
    out, odds = np.zeros(len(total)), np.array(ODDS)
    for size in np.unique(total):
        counts, logs = _hypergeometric(int(size), n_after, n_both)
        mean = logsumexp(logs[:, None] + counts[:, None] * odds, axis=0)
        which = total == size
        out[which] = logsumexp(inside[which, None] * odds - mean, axis=1) - math.log(len(odds))
    return out


def discoveries(log_e: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses e-BH refuses: of those a share of at most `alpha` is true on average, whatever the e-values have
    to do with each other (Wang and Ramdas 2020, 2009.02824).

    `log_e` are natural logarithms of e-values.

    Raises:
        ValueError: alpha is not in (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha}")
    logs = np.asarray(log_e, dtype=np.float64).ravel()
    if not len(logs):
        return np.zeros(0, dtype=bool)
    falling = np.sort(logs)[::-1]
    enough = np.flatnonzero(falling >= np.log(len(logs) / (alpha * np.arange(1, len(logs) + 1))))
    return np.asarray(logs >= falling[enough[-1]]) if len(enough) else np.zeros(len(logs), dtype=bool)


def _hypergeometric(inside: int, drawn: int, rows: int) -> tuple[Floats, Floats]:
    """How many of `inside` rows may be among `drawn` of all, and the logarithm of each one's probability."""
    counts = np.arange(max(0, inside + drawn - rows), min(inside, drawn) + 1, dtype=np.float64)
    logs = _choose(inside, counts) + _choose(rows - inside, drawn - counts) - _choose(rows, np.float64(drawn))
    return counts, logs


def _choose(n: int, k: Floats | np.float64) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)
