"""Whether confidence means what it says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 15


def expected_calibration_error(confidence: Sequence[float], correct: Sequence[bool], bins: int = BINS) -> float:
    """Mean distance between confidence and accuracy over bins of equal width, weighted by their rows; 0 is calibrated.

    Bin k holds confidences in (k/bins, (k+1)/bins], and 0 falls in the first. With few rows per bin the estimate is
    biased upward: compare it only between equal numbers of rows. Guo et al. 2017, 1706.04599.

    Raises:
        ValueError: no rows, unequal lengths, or a confidence outside [0, 1].
    """
    gaps = calibration_sums(confidence, correct, bins).sum(0)
    return float(calibration_error_of(gaps)[0])


def brier(confidence: Sequence[float], correct: Sequence[bool]) -> Floats:
    """float64[rows]: squared distance between confidence and 1 or 0 for right or wrong; the mean is the Brier score.

    Of the label that was replied alone, as that is whose confidence users go by. A proper score (Brier 1950, Monthly
    Weather Review 78:1): it is least, on average, for whoever says what is so, and its mean over few rows has no bias.

    Raises:
        ValueError: as above.
    """
    sure, right = _held(confidence, correct)
    return np.asarray((sure - right) ** 2, np.float64)


def calibration_sums(confidence: Sequence[float], correct: Sequence[bool], bins: int = BINS) -> Floats:
    """float64[rows, bins + 1]: confidence less outcome in the bin that a row falls in, and 1 to count it.

    Raises:
        ValueError: as above.
    """
    sure, right = _held(confidence, correct)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    found = np.zeros((len(sure), bins + 1))
    found[np.arange(len(sure)), place] = sure - right
    found[:, bins] = 1.0
    return found


def calibration_error_of(sums: Floats) -> Floats:
    """float64[…, 1]: the expected calibration error of rows that were summed."""
    return np.asarray(np.abs(sums[..., :-1]).sum(-1, keepdims=True) / np.maximum(sums[..., -1:], 1e-300), np.float64)


def off_rows(confidence: Sequence[float], correct: Sequence[bool], bins: int = BINS) -> Floats:
    """float64[rows]: confidence less outcome where a row's bin is too sure, the other way round where it is not sure
    enough; their mean is the expected calibration error, with its bias.

    Raises:
        ValueError: as above.
    """
    sums = calibration_sums(confidence, correct, bins)[:, :-1]
    return np.asarray((sums * np.sign(sums.sum(0))).sum(-1), np.float64)


def off_rows_across(
    confidence: Sequence[float], correct: Sequence[bool], half: NDArray[np.bool_], bins: int = BINS
) -> Floats:
    """float64[rows]: the same, but in which direction a bin is off is taken from the rows of the other half. Their mean
    is on average at most the calibration error, however few rows a bin has.

    Args:
        confidence: in [0, 1].
        correct: whether each row is right.
        half: bool[rows], in which half a row is.
        bins: of equal width.

    Raises:
        ValueError: as above.
    """
    sums = calibration_sums(confidence, correct, bins)[:, :-1]
    one, other = np.sign(sums[half].sum(0)), np.sign(sums[~half].sum(0))
    return np.asarray((sums * np.where(half[:, None], other, one)).sum(-1), np.float64)


def _held(confidence: Sequence[float], correct: Sequence[bool]) -> tuple[Floats, Floats]:
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if sure.shape != right.shape:
        raise ValueError(f"{len(sure)} confidences for {len(right)} outcomes")
    if not len(sure):
        raise ValueError("no rows to score")
    # `not all` and not `any not`, so that a NaN is refused too.
    if not np.all((sure >= 0) & (sure <= 1)):
        raise ValueError("a confidence is not in [0, 1]")
    return sure, right
