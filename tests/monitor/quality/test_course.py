"""Quality window by window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.course import (
    FINE,
    LEAST_LABELS,
    POINTS,
    Told,
    Window,
    contradiction,
    course,
    labels_to_contradict,
    right,
)
from homeostat.stats.predicted import powered_mean
from homeostat.types.task import Kind
from monitor.quality.worlds import World, world


def told(rng: np.random.Generator, made: World, labeled: float, since: float = 0.0) -> list[Told]:
    """Its rows, a second apart, each labeled by chance."""
    shown = rng.random(len(made.sure)) < labeled
    return [
        Told(time=since + k, confidence=float(sure), right=float(y) if seen else None)
        for k, (sure, y, seen) in enumerate(zip(made.sure, made.right, shown, strict=True))
    ]


def story(seed: int, *, worse: float = 0.0, hard: float = 0.0, labeled: float = 0.3) -> tuple[list[Window], World]:
    """Five windows of 200 as labeled, then five of what has become harder, or worse at the same confidence."""
    rng = np.random.default_rng(seed)
    before, after = world(rng, 1000), world(rng, 1000, worse=worse, hard=hard)
    rows = told(rng, before, 0.3) + told(rng, after, labeled, since=1000.0)
    return course(rows, 200), after


def test_harder_requests_are_told_without_labels() -> None:
    """When requests get harder and nobody labels them, the fall of accuracy lies inside nearly every interval."""
    inside = []
    for seed in range(30):
        windows, after = story(seed, hard=1.5, labeled=0.0)
        for k, window in enumerate(windows[5:]):
            assert window.estimated is not None
            truth = after.right[200 * k : 200 * (k + 1)].mean()
            inside.append(window.estimated.low <= truth <= window.estimated.high)
            assert window.estimated.mean < 0.75
        assert all(window.wanted > 0 for window in windows[5:])
    assert np.mean(inside) > 0.88  # windows of one seed share a calibration


def test_it_says_how_many_labels_would_do() -> None:
    """Fewer with confidence than without, by as much as confidence is worth; with so many, what labels and confidence
    tell together is as fine as it says. Of few labels nothing is said.
    """
    windows, _ = story(3, labeled=0.05)
    assert windows[4].fine is not None
    helped, alone = windows[4].fine
    assert helped < 0.95 * alone
    assert windows[9].fine is None
    rng, halves = np.random.default_rng(4), list[float]()
    for _ in range(5):
        made = world(rng, 1000 + 20 * helped)
        rows = told(rng, made, 1.0)
        shown = [row if k < 1000 or k % 20 == 0 else replace(row, right=None) for k, row in enumerate(rows)]
        known = Calibration.fit([row.confidence for row in rows[:1000]], made.right[:1000])
        late = shown[1000:]
        at = np.array([row.right is not None for row in late])
        sure, said = np.array([row.confidence for row in late]), made.right[1000:]
        found = powered_mean(said[at], known(sure[at]), known(sure[~at])).score
        halves.append((found.high - found.low) / 2)
    assert np.mean(halves) == pytest.approx(FINE, rel=0.15)


def test_a_changed_meaning_is_refused_and_learned_anew() -> None:
    """Where the same confidence is right less often, labels contradict and nothing is estimated; the labels from there
    on calibrate it anew, and later windows are told rightly again.
    """
    refused, inside = 0, []
    for seed in range(30):
        windows, after = story(seed, worse=2.0)
        first = windows[5]
        refused += first.estimated is None
        if first.estimated is None:
            assert "it no longer means that" in first.because
        last = windows[9]
        if last.estimated is not None:
            truth = after.right[800:].mean()
            inside.append(last.estimated.low <= truth <= last.estimated.high)
    assert refused >= 29
    assert np.mean(inside) > 0.85
    assert len(inside) >= 20


def test_what_holds_is_seldom_refused() -> None:
    """Labels contradict a calibration that holds about once in two hundred windows, also where requests get harder."""
    refused = [w.estimated is None for seed in range(60) for w in story(seed, hard=1.0)[0][2:]]
    assert np.mean(refused) < 0.03


def test_labels_and_confidence_are_narrower_than_labels() -> None:
    """On average over windows; and the truth lies inside as often, where confidence has changed its meaning too."""
    narrow, inside = [], []
    for seed in range(40):
        windows, after = story(seed, worse=2.0)
        for k, window in enumerate(windows[5:]):
            assert window.powered is not None
            assert window.measured is not None
            truth = after.likely[200 * k : 200 * (k + 1)].mean()
            narrow.append((window.powered.high - window.powered.low) / (window.measured.high - window.measured.low))
            inside.append(window.powered.low - 0.02 <= truth <= window.powered.high + 0.02)
    assert np.mean(narrow) < 0.95
    assert np.mean(inside) > 0.93


def test_too_few_labels_are_said_so() -> None:
    """Before there are fifty, nothing is estimated, and the count stands there."""
    rng = np.random.default_rng(0)
    windows = course(told(rng, world(rng, 400), 0.1), 100)
    assert windows[0].because == f"0 of {LEAST_LABELS} labels to calibrate confidence on"
    assert windows[0].estimated is None
    assert [w.requests for w in windows] == [100] * 4
    assert sum(w.labels for w in windows) == pytest.approx(40, abs=20)


def test_windows_are_few_and_not_small() -> None:
    """At most 24 of at least a hundred requests, whatever the traffic; the last takes what is left."""
    rng = np.random.default_rng(0)
    assert [w.requests for w in course(told(rng, world(rng, 250), 0.0))] == [100, 100, 50]
    assert len(course(told(rng, world(rng, 10_001), 0.0))) == POINTS
    assert course([]) == []


def test_labels_that_are_asked_for_would_contradict() -> None:
    """So many labels show a gap of ten points four times in five, and seldom one that is not there."""
    rng = np.random.default_rng(1)
    known = world(rng, 3000)
    calibration = Calibration.fit(known.sure, known.right)
    wanted = labels_to_contradict(calibration, known.sure)
    assert 50 < wanted < 400
    for worse, least, most in ((0.66, 0.65, 0.95), (0.0, 0.0, 0.03)):
        draws = [world(rng, wanted, worse=worse) for _ in range(300)]
        found = np.mean([bool(contradiction(calibration, each.sure, each.right)) for each in draws])
        assert least <= found <= most
    assert contradiction(calibration, known.sure[:3], np.zeros(3)) == ""


def test_how_right_a_reply_is() -> None:
    """A label to the letter, white space aside; a text by its likeness."""
    assert right(Kind.LABEL, "refund ", "refund") == 1.0
    assert right(Kind.LABEL, "refund", "delivery") == 0.0
    assert 0.3 < right(Kind.TEXT, "your parcel is late", "your parcel is lost") < 1.0
