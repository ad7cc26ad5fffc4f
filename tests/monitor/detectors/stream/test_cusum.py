"""CUSUM alarms as often as theory says where the numbers are what it wants."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.detectors.stream.cusum import Cusum, mean_run


def runs(detector: Cusum, numbers: np.ndarray) -> list[int]:
    """Lengths between alarms."""
    alarms = [k for k, x in enumerate(numbers.tolist(), 1) if detector.update(x)]
    return np.diff([0, *alarms]).tolist()


def test_false_alarms_come_as_seldom_as_siegmund_says() -> None:
    """Two directions, slack one half, limit 4: a mean run of 168 normal numbers, within a tenth over 60,000."""
    found = runs(Cusum(0.5, 4.0), np.random.default_rng(0).normal(size=60_000))
    assert np.mean(found) == pytest.approx(mean_run(0.5, 4.0) / 2, rel=0.12)


def test_the_delay_after_a_jump_is_as_short_as_siegmund_says() -> None:
    """A jump of one deviation, slack one half, limit 5: 10.4 numbers on average."""
    rng = np.random.default_rng(1)
    delays = []
    for _ in range(400):
        detector = Cusum(0.5, 5.0)
        delays.append(next(k for k, x in enumerate(rng.normal(1.0, 1.0, 1000).tolist(), 1) if detector.update(x)))
    assert np.mean(delays) == pytest.approx(mean_run(0.5, 5.0, shift=1.0), rel=0.1)
    assert mean_run(0.5, 5.0, shift=1.0) == pytest.approx(10.3, abs=0.2)


def test_the_defaults_are_those_of_some_ninety_thousand_numbers() -> None:
    """What its page says of its limits."""
    assert 80_000 < mean_run(0.1, 40.0) / 2 < 100_000


def test_the_published_run_lengths() -> None:
    """Slack one half, two directions: 168 numbers at a limit of 4, and 465 at 5 (Montgomery's tables), within 2 %."""
    assert mean_run(0.5, 4.0) / 2 == pytest.approx(168, rel=0.02)
    assert mean_run(0.5, 5.0) / 2 == pytest.approx(465, rel=0.02)
    assert mean_run(0.5, 4.0, shift=0.5) == pytest.approx((4 + 1.166) ** 2)


def test_a_wrong_mean_is_a_change() -> None:
    """What was estimated half a deviation off alarms within some hundred numbers."""
    detector = Cusum()
    assert any(detector.update(x) for x in np.random.default_rng(2).normal(0.5, 1, 200).tolist())
