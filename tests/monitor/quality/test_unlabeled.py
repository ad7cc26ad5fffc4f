"""Accuracy without labels, under shifts that leave the meaning of confidence alone."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.unlabeled import by_calibration, by_difference, by_threshold, fallen
from homeostat.types.report import Score
from monitor.quality.worlds import World, world


def calibrated(known: World, window: World) -> Score:
    return by_calibration(Calibration.fit(known.sure, known.right), window.sure)


def tried(times: int, labels: int) -> tuple[float, float, float]:
    """Share of the windows whose accuracy lies inside, mean width, and mean distance of the estimate from it."""
    rng = np.random.default_rng(0)
    inside, width, off = [], [], []
    for _ in range(times):
        known, window = world(rng, labels), world(rng, int(rng.integers(40, 600)), hard=float(rng.uniform(-1, 2)))
        found, truth = calibrated(known, window), window.right.mean()
        inside.append(found.low <= truth <= found.high)
        width.append(found.high - found.low)
        off.append(abs(found.mean - truth))
    return float(np.mean(inside)), float(np.mean(width)), float(np.mean(off))


@pytest.mark.parametrize("labels", [80, 800])
def test_the_window_s_accuracy_lies_inside(labels: int) -> None:
    """In 95 of 100 windows that are easier or harder than what was labeled, with few labels and with many."""
    inside, width, off = tried(1500, labels)
    assert 0.93 < inside < 0.975
    assert off < 0.06
    assert width < 0.3


def test_it_beats_the_alternatives_where_confidence_is_bent() -> None:
    """When requests get harder, a threshold is off by twenty points and a difference of confidences by five or more,
    whether the model is too sure or too modest; calibrated confidence is not.
    """
    for bent in (0.6, 1.6, 3.0):
        rng = np.random.default_rng(0)
        known, window = world(rng, 4000, bent=bent, bold=0), world(rng, 4000, bent=bent, bold=0, hard=2.5)
        truth = window.right.mean()
        assert calibrated(known, window).mean == pytest.approx(truth, abs=0.02)
        assert abs(by_threshold(known.sure, known.right, window.sure).mean - truth) > 0.2
        assert abs(by_difference(known.sure, known.right, window.sure).mean - truth) > 0.05


def test_all_agree_where_nothing_has_moved() -> None:
    """On requests like those that were labeled each way finds the accuracy."""
    rng = np.random.default_rng(4)
    known, window = world(rng, 4000), world(rng, 4000)
    for found in (
        calibrated(known, window),
        by_threshold(known.sure, known.right, window.sure),
        by_difference(known.sure, known.right, window.sure),
    ):
        assert found.mean == pytest.approx(window.right.mean(), abs=0.02)
        assert found.low < found.mean < found.high
        assert found.n == 4000


def test_a_threshold_is_the_quantile_that_as_many_are_above_as_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """As numpy's quantile has it, ties among confidences included; and however many draws are held at once."""
    rng = np.random.default_rng(6)
    for rows in (2, 7, 60):
        sure, right = np.round(rng.random(rows), 1), (rng.random(rows) < 0.7).astype(float)
        window = np.round(rng.random(40), 1)
        line = np.quantile(sure, 1 - right.mean())
        share = (window > line).mean() + 0.5 * (np.abs(window - line) < 1e-12).mean()
        found = by_threshold(sure, right, window)
        assert found.mean == pytest.approx(share, abs=0.5 / 40)
        assert 0.0 <= found.low <= found.high <= 1.0
    whole = by_threshold(sure, right, window)
    monkeypatch.setattr("homeostat.monitor.quality.unlabeled.BLOCK", 1)
    one_by_one = by_threshold(sure, right, window)
    assert one_by_one.mean == whole.mean
    assert one_by_one.high - one_by_one.low == pytest.approx(whole.high - whole.low, rel=0.15)


def test_shares_keep_to_their_scale() -> None:
    """Near 1 the interval ends at 1, and reaches further down than up."""
    rng = np.random.default_rng(5)
    known, window = world(rng, 300, hard=-3), world(rng, 30, hard=-3)
    found = calibrated(known, window)
    assert found.high <= 1.0
    assert found.mean - found.low > found.high - found.mean
    sure = Calibration.fit(np.ones(200), np.ones(200))
    assert by_calibration(sure, np.ones(50)).high == 1.0


def test_nothing_is_told_of_no_rows() -> None:
    """An empty window, or labels for other rows, is refused."""
    with pytest.raises(ValueError, match="no rows"):
        by_calibration(Calibration.fit([], []), [])
    with pytest.raises(ValueError, match="a window of 0"):
        by_threshold([0.5], [1.0], [])
    with pytest.raises(ValueError, match="2 confidences, 1 labels"):
        by_difference([0.5, 0.5], [1.0], [0.5])


def test_a_fall_is_that_of_what_is_right() -> None:
    """Between two windows, in nineteen of twenty draws; the doubt of the one calibration is shared, so that the
    interval is narrower than that of two put together.
    """
    holds = 0
    for k in range(40):
        rng = np.random.default_rng(50 + k)
        known, then, now = world(rng, 200), world(rng, 800), world(rng, 800, hard=1)
        calibration = Calibration.fit(known.sure, known.right)
        found, came = fallen(calibration, then.sure, now.sure), then.right.mean() - now.right.mean()
        holds += found.low <= came <= found.high
        each = [by_calibration(calibration, one.sure) for one in (then, now)]
        assert found.mean == pytest.approx(each[0].mean - each[1].mean)
        assert found.high - found.low < np.hypot(*(one.high - one.low for one in each))
    assert holds >= 36
    with pytest.raises(ValueError, match="no rows"):
        fallen(Calibration.fit([], []), [0.5], [])
