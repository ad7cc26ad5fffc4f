"""How sure a head's scores are: the one number that makes probabilities of them, fitted to rows that it had left out.

Temperature scaling (Guo et al. 2017, 1706.04599), on leave-one-out scores, so that no row is held out for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from homeostat.llm.features import Floats

LEAST, MOST = 0.1, 1e4
"""Between which the number lies."""


def sharpness(left_out: Floats, at: NDArray[np.int64]) -> float:
    """What scores are multiplied with before the softmax, so that the mean log-loss over the rows is least.

    As if there were one more row whose label nobody knows: scores that make no mistake are not told as certainties.

    Args:
        left_out: float64[n, labels]: the scores of each row by a head that has not seen it.
        at: int64[n]: the place of each row's label.
    """
    rows = len(at)

    def loss(logarithm: float) -> float:
        logs = log_softmax(np.exp(logarithm) * left_out, axis=1)
        return float(-logs[np.arange(rows), at].sum() - logs.mean(1).sum() / rows)

    found = minimize_scalar(loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded")
    return float(np.exp(found.x))
