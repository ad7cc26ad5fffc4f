"""ECE is zero for honest confidence and the size of the lie for the other kind."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from homeostat.metrics.calibration import (
    brier,
    calibration_error_of,
    calibration_sums,
    expected_calibration_error,
    off_rows,
    off_rows_across,
)


def test_ece_by_hand():
    """Two bins: 0.1 off on two of five rows, 0.3 off on the other three."""
    confidence = [0.3, 0.5, 0.9, 0.9, 0.9]
    correct = [False, True, True, False, True]
    expected = 2 / 5 * abs(0.4 - 0.5) + 3 / 5 * abs(0.9 - 2 / 3)

    assert expected_calibration_error(confidence, correct, bins=2) == pytest.approx(expected)


def test_ece_of_honest_confidence_is_small_and_of_overconfidence_its_size():
    """Right as often as it says: near 0. Right ten points less often than it says: near 0.1."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.3, 1.0, 40_000)
    drawn = rng.random(40_000)

    assert expected_calibration_error(sure, drawn < sure) < 0.01
    assert expected_calibration_error(sure, drawn < sure - 0.1) == pytest.approx(0.1, abs=0.01)


def test_ece_counts_both_ends_of_the_scale():
    """Confidences of exactly 0 and 1 have a bin."""
    assert expected_calibration_error([0.0, 1.0], [False, True]) == 0.0
    assert expected_calibration_error([0.0, 1.0], [True, False]) == 1.0


@pytest.mark.parametrize(("confidence", "correct"), [([], []), ([0.5], []), ([1.2], [True]), ([float("nan")], [True])])
def test_ece_refuses_what_is_no_confidence(confidence, correct):
    """No rows, unequal lengths, or numbers that are not probabilities."""
    with pytest.raises(ValueError, match=r"rows|confidence"):
        expected_calibration_error(confidence, correct)


def test_brier_is_that_of_scikit_learn() -> None:
    """The mean of the squared distances; and it is least for who says what is so."""
    rng = np.random.default_rng(0)
    chance = rng.random(5000)
    right = rng.random(5000) < chance
    honest = brier(chance.tolist(), right.tolist())
    assert honest.mean() == pytest.approx(brier_score_loss(right, chance))
    assert honest.mean() < brier(np.sqrt(chance).tolist(), right.tolist()).mean()


def test_rows_drawn_again_have_the_error_of_their_sums() -> None:
    """A row that counts twice counts twice in its bin."""
    sure, right = [0.95, 0.9, 0.55, 0.1], [True, False, True, False]
    weights = np.array([2, 0, 1, 3])
    again = np.repeat(np.arange(4), weights)
    error = calibration_error_of(weights @ calibration_sums(sure, right))[0]
    assert error == pytest.approx(expected_calibration_error([sure[k] for k in again], [right[k] for k in again]))


def test_what_rows_add_to_the_calibration_error() -> None:
    """Their mean is the error; with the direction of a bin from the other half of the rows it is that where the halves
    agree, and nothing on average where there is no error at all.
    """
    rng = np.random.default_rng(5)
    sure = rng.uniform(0.2, 1.0, 3000)
    right, half = rng.random(3000) < sure - 0.15, np.arange(3000) % 2 == 1
    error = expected_calibration_error(sure, right)
    assert off_rows(sure, right).mean() == pytest.approx(error)
    assert off_rows_across(sure, right, half).mean() == pytest.approx(error)
    means = []
    for _ in range(300):
        few = rng.uniform(0.2, 1.0, 60)
        means.append(off_rows_across(few, rng.random(60) < few, half[:60]).mean())
    assert abs(np.mean(means)) < 0.01
    assert off_rows_across([0.9], [True], half[:1]).tolist() == [0.0]
