"""A mean from few labels and many predictions: as valid as the labels alone, and narrower where predictions are good.

The predictions of all rows give the mean that they think it is; the labeled rows say by how much they are wrong. How
far predictions are heeded is tuned on the labels, so that useless ones cost nothing (prediction-powered inference,
Angelopoulos et al. 2023, 2301.09633; the tuning, 2311.01453). Whoever predicts may be wrong in any way: a judge, a
model's confidence, the replies of another model. What has to hold is that chance draws the labeled rows from all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.stats.intervals import mean_interval
from homeostat.types.report import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Powered:
    """A mean that labels and predictions say together."""

    score: Score
    """Its `n` counts the labels."""
    heeded: float
    """How far predictions were heeded, from 0 (not at all: the plain mean of the labels) to 1."""
    worth: float
    """So many labels alone would have given as narrow an interval."""


def powered_mean(labels: ArrayLike, told: ArrayLike, others: ArrayLike, level: float = 0.95) -> Powered:
    """The mean over labeled and unlabeled rows together, with its two-sided interval.

    Args:
        labels: float[n], what is right of the labeled rows.
        told: float[n], what was predicted of them.
        others: float[N], what was predicted of rows without a label.
        level: of the interval, which takes the mean of some ten labels to be roughly normal.

    Raises:
        ValueError: no labels, or not as many predictions for them.
    """
    y, f, rest = (np.asarray(column, dtype=np.float64).ravel() for column in (labels, told, others))
    if y.shape != f.shape:
        raise ValueError(f"{len(y)} labels beside {len(f)} predictions of them")
    plain = mean_interval(y, level)
    if len(y) < 3 or not len(rest):
        return Powered(score=plain, heeded=0.0, worth=float(len(y)))
    heeded = _heeded(y, f, rest)
    mean = float(heeded * rest.mean() + (y - heeded * f).mean())
    spread = _spread(y, f, rest, heeded)
    alone = float(y.var(ddof=1))
    if heeded == 0.0 or spread >= alone / len(y):  # nothing was won; the plain interval is exact for right and wrong
        return Powered(score=plain, heeded=0.0, worth=float(len(y)))
    half = float(stats.t.ppf((1 + level) / 2, len(y) - 1)) * math.sqrt(spread)
    score = Score(mean=mean, low=mean - half, high=mean + half, n=len(y))
    return Powered(score=score, heeded=heeded, worth=alone / spread)


def labels_for(half_width: float, labels: ArrayLike, told: ArrayLike, level: float = 0.95) -> int:
    """Labels that would bring the interval to mean ± `half_width`, going by those that are there.

    Raises:
        ValueError: a width that is not positive, or fewer than two labels.
    """
    y, f = np.asarray(labels, dtype=np.float64).ravel(), np.asarray(told, dtype=np.float64).ravel()
    if half_width <= 0 or len(y) < 2:
        raise ValueError("a positive width and two labels or more say how many are needed")
    heeded = _heeded(y, f, f)
    left = float((y - heeded * f).var(ddof=1))
    return max(2, math.ceil(float(stats.norm.ppf((1 + level) / 2)) ** 2 * left / half_width**2))


def _heeded(y: Floats, f: Floats, rest: Floats) -> float:
    """The weight of the predictions under which the spread is least, from 0 to 1."""
    scatter = float(f.var(ddof=1)) if len(f) > 1 else 0.0
    if scatter <= 0.0:
        return 0.0
    together = float(np.cov(y, f, ddof=1)[0, 1])
    return min(max(together / ((1 + len(f) / len(rest)) * scatter), 0.0), 1.0)


def _spread(y: Floats, f: Floats, rest: Floats, heeded: float) -> float:
    """Variance of the mean.

    What is left of the labels is taken to hold two rows more, half the scale above their mean and below: few labels
    seldom show the rare ones that a good judge has wrong (as Agresti and Min 2005 do, Biometrics 61:515).
    """
    of_rest = float(rest.var(ddof=1)) / len(rest) if len(rest) > 1 else 0.0
    scale = float(np.ptp(np.concatenate([y, f, rest])))
    left = (y - heeded * f).var() * len(y) + 2 * (scale / 2) ** 2
    return float(left) / (len(y) + 1) / len(y) + heeded**2 * of_rest
