"""How many of a window's replies are right, told without a label from it: three ways, each with its interval.

All of them presume covariate shift: requests may come in other proportions, but a reply of a given confidence is right
as often as it was. None can notice that this has ceased to hold, so labels have to (`course`).

Sources: mean calibrated confidence, with an interval (Kivimäki et al. 2024, 2407.08649); a threshold on confidence
(ATC, Garg et al. 2022, 2201.04234); the difference of confidences (DoC, Guillory et al. 2021, 2107.03315).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.monitor.quality.calibration import Calibration
from homeostat.types.report import Score

Floats = NDArray[np.float64]

DRAWS = 500
BLOCK = 1_000_000
"""Numbers of draws that are held at once."""


def by_calibration(calibration: Calibration, confidence: ArrayLike, level: float = 0.95) -> Score:
    """The mean calibrated confidence. Its interval covers what the window's own replies come to.

    Doubt comes of the calibration's few labels and of the window's own luck; the two are put together as a beta
    distribution, which keeps to [0, 1] and leans as shares near 1 do.

    Raises:
        ValueError: no rows.
    """
    p = calibration(confidence)
    if not len(p):
        raise ValueError("no rows")
    return _between(float(p.mean()), calibration.variance(confidence), len(p), level)


def fallen(calibration: Calibration, then: ArrayLike, now: ArrayLike, level: float = 0.95) -> Score:
    """By how much mean calibrated confidence is lower in a window than in an earlier one. Its interval covers what the
    replies of both come to, as long as a reply of a given confidence is right as often as it was.

    Raises:
        ValueError: no rows in one of them.
    """
    before, after = calibration(then), calibration(now)
    if not len(before) or not len(after):
        raise ValueError("no rows")
    mean = float(before.mean() - after.mean())
    around = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(calibration.between(then, now))
    return Score(mean=mean, low=max(-1.0, mean - around), high=min(1.0, mean + around), n=len(before) + len(after))


def by_threshold(confidence: ArrayLike, right: ArrayLike, window: ArrayLike, level: float = 0.95) -> Score:
    """The share of the window above the confidence above which so many of the labeled rows lie as are right.

    Args:
        confidence: float[n] of labeled rows.
        right: their float[n], right or wrong.
        window: float[N], confidences to tell the accuracy of.
        level: of the interval, from rows drawn again.

    Raises:
        ValueError: no rows on either side, or not as many labels as confidences.
    """
    c, y, w = _columns(confidence, right, window)
    rng, told = np.random.default_rng(0), [_above(c[None], y[None], w[None])]
    at_once = max(1, BLOCK // max(len(c), len(w)))
    for start in range(0, DRAWS, at_once):
        n = min(at_once, DRAWS - start)
        rows, others = rng.integers(0, len(c), (n, len(c))), rng.integers(0, len(w), (n, len(w)))
        told.append(_above(c[rows], y[rows], w[others]))
    return _drawn(np.concatenate(told), len(w), level)


def by_difference(confidence: ArrayLike, right: ArrayLike, window: ArrayLike, level: float = 0.95) -> Score:
    """The accuracy of the labeled rows, less what mean confidence has fallen by. As `by_threshold`."""
    c, y, w = _columns(confidence, right, window)
    mean = float(y.mean() + w.mean() - c.mean())
    of_window = (float(w.var()) + mean * (1 - mean)) / len(w)
    variance = float((y - c).var()) / len(c) + max(of_window, 0.0)
    return _between(min(max(mean, 0.0), 1.0), variance, len(w), level)


def _columns(confidence: ArrayLike, right: ArrayLike, window: ArrayLike) -> tuple[Floats, Floats, Floats]:
    c, y, w = (np.asarray(column, dtype=np.float64).ravel() for column in (confidence, right, window))
    if len(c) != len(y) or not len(c) or not len(w):
        raise ValueError(f"{len(c)} confidences, {len(y)} labels and a window of {len(w)}")
    return c, y, w


def _above(confidence: Floats, right: Floats, window: Floats) -> Floats:
    """float[draws]: what each draw, a row of all three, tells."""
    place = (1 - right.mean(axis=1)) * (confidence.shape[1] - 1)
    below, ordered, draw = place.astype(np.int64), np.sort(confidence, axis=1), np.arange(len(confidence))
    low, high = ordered[draw, below], ordered[draw, np.minimum(below + 1, confidence.shape[1] - 1)]
    threshold = (low + (place - below) * (high - low))[:, None]
    return np.asarray((window > threshold).mean(axis=1) + 0.5 * (window == threshold).mean(axis=1))


def _drawn(told: Floats, rows: int, level: float) -> Score:
    low, high = np.quantile(told, ((1 - level) / 2, (1 + level) / 2))
    return Score(mean=float(told[0]), low=float(low), high=float(high), n=rows)


def _between(mean: float, variance: float, rows: int, level: float) -> Score:
    """The beta distribution of this mean and variance, wider by half a reply: what it tells of comes in whole ones."""
    half = 0.5 / rows
    if variance <= 0 or not 0 < mean < 1:
        spread = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(max(variance, 0.0)) + half
        return Score(mean=mean, low=max(0.0, mean - spread), high=min(1.0, mean + spread), n=rows)
    weight = max(mean * (1 - mean) / variance - 1, 1e-3)
    low, high = stats.beta.ppf(((1 - level) / 2, (1 + level) / 2), mean * weight, (1 - mean) * weight)
    return Score(mean=mean, low=max(0.0, float(low) - half), high=min(1.0, float(high) + half), n=rows)
