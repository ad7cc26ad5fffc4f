"""ECE is zero for honest confidence and the size of the lie for the other kind."""

import numpy as np
import pytest

from homeostat.metrics.calibration import expected_calibration_error


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
