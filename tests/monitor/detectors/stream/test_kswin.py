"""KSWIN compares the newest numbers with some of those before them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.detectors.stream.kswin import Kswin


def test_the_distance_is_kolmogorovs() -> None:
    """Where all older numbers are drawn, the distance is that of scipy's test of the two samples."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        detector = Kswin(window=60, recent=30)
        x = np.round(rng.normal(size=60), 1)
        for value in x.tolist():
            detector.update(value)
        held = np.array(detector._held)
        if len(held) == 60:
            assert detector._distance() == pytest.approx(stats.ks_2samp(held[:30], held[30:]).statistic)


def test_after_an_alarm_only_the_newest_are_left() -> None:
    """A jump fills the newest thirty, and the window begins again with them."""
    detector = Kswin()
    for x in np.random.default_rng(1).random(200).tolist():
        detector.update(x)
    jumped = (5 + np.random.default_rng(2).random(40)).tolist()
    delay = next(k for k, x in enumerate(jumped, 1) if detector.update(x))
    assert delay <= 20
    assert len(detector.state()["held"]) == 30


def test_a_smaller_level_alarms_less() -> None:
    """A hundredth of the level, far fewer false alarms; looking at every number costs it many all the same."""
    x = np.random.default_rng(3).random(5000).tolist()
    usual, strict = Kswin(alpha=0.005), Kswin(alpha=0.00005)
    false = [sum(detector.update(v) for v in x) for detector in (usual, strict)]
    assert false[0] > 5 * max(false[1], 1)


def test_there_must_be_as_many_before() -> None:
    """Thirty newest in a window of fifty have no thirty before them."""
    with pytest.raises(ValueError, match="30"):
        Kswin(window=50, recent=30)
