"""Whether confidence means what it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def expected_calibration_error(confidence: Sequence[float], correct: Sequence[bool], bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over bins of equal width, weighted by their rows; 0 is calibrated.

    Bin k holds confidences in (k/bins, (k+1)/bins], and 0 falls in the first. With few rows per bin the estimate is
    biased upward: compare it only between equal numbers of rows. Guo et al. 2017, 1706.04599.

    Raises:
        ValueError: no rows, unequal lengths, or a confidence outside [0, 1].
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if sure.shape != right.shape:
        raise ValueError(f"{len(sure)} confidences for {len(right)} outcomes")
    if not len(sure):
        raise ValueError("no rows to score")
    # `not all` and not `any not`, so that a NaN is refused too.
    if not np.all((sure >= 0) & (sure <= 1)):
        raise ValueError("a confidence is not in [0, 1]")
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=sure - right, minlength=bins)
    return float(np.abs(gap).sum() / len(sure))
