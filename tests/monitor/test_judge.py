"""A judge that rates otherwise is told from a system that errs more often."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from homeostat.monitor.judge import BAD, JudgeDetector, Moved

EVERY = 10_000.0


def rated(rng: np.random.Generator, n: int, *, right: float, mild: float = 0.0) -> list[tuple[float, float]]:
    """Ratings beside verdicts: a system that is right so often, a judge that is so much too mild with what is wrong."""
    worth = (rng.random(n) < right).astype(float)
    ratings = np.where(worth > 0.5, rng.beta(8, 2, n), rng.beta(2, 6, n) * (1 - mild) + mild)
    return list(zip(np.clip(ratings, 0, 1).tolist(), worth.tolist(), strict=True))


def fed(detector: JudgeDetector, pairs: list[tuple[float, float]]) -> Moved | None:
    """The first alarm."""
    for rating, worth in pairs:
        if (found := detector.update(rating, worth, float(detector.pairs))) is not None:
            return found
    return None


@pytest.mark.slow
def test_a_judge_that_became_mild_is_told_and_a_worse_system_is_not() -> None:
    """Ten runs each. A judge that is milder with wrong replies, of which there are three in ten, is noticed within 120
    pairs, and it is said with which and by how much. A system whose errors have doubled moves the mean rating further,
    and raises no alarm.
    """
    after, by, since, calm, moved = [], [], [], 0, []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        before = rated(rng, 300, right=0.7)
        detector = JudgeDetector(EVERY, seed)
        assert fed(detector, before) is None
        found = fed(detector, rated(rng, 300, right=0.7, mild=0.4))
        assert found is not None
        after.append(detector.pairs - 300)
        by.append(found.after - found.before)
        assert found.verdict == BAD
        since.append(found.alarm.since_row)
        worse, other = rated(rng, 300, right=0.4), JudgeDetector(EVERY, seed)
        moved.append(np.mean([r for r, _ in before]) - np.mean([r for r, _ in worse]))
        calm += fed(other, [*before, *worse]) is None
    assert (calm, max(after) <= 120, np.mean(by) > 0.2) == (10, True, True)
    assert 270 <= np.median(since) <= 330
    assert np.mean(moved) > 0.12  # a look at the mean alone would have blamed somebody


def test_a_harsher_judge_is_told_too_and_begins_anew() -> None:
    """Lower ratings among right replies; after the alarm the new ratings are what is normal."""
    rng = np.random.default_rng(1)
    detector = JudgeDetector(EVERY)
    assert fed(detector, rated(rng, 200, right=0.7)) is None
    harsh = [(rating * 0.6, worth) for rating, worth in rated(rng, 600, right=0.7)]
    found = fed(detector, harsh)
    assert found is not None
    assert found.after < found.before
    assert detector.since == 0
    assert detector.level == -math.inf
    assert fed(detector, harsh[300:]) is None


def test_it_goes_on_from_what_was_kept() -> None:
    """Through JSON, to the same alarm."""
    rng = np.random.default_rng(2)
    pairs = rated(rng, 150, right=0.6) + rated(rng, 200, right=0.6, mild=0.5)
    whole, kept = JudgeDetector(EVERY, 5), JudgeDetector(EVERY, 5).state()
    for rating, worth in pairs:
        again = JudgeDetector.restored(json.loads(json.dumps(kept)))
        mine, other = whole.update(rating, worth, 0.0), again.update(rating, worth, 0.0)
        assert (mine is None) == (other is None)
        assert again.level == pytest.approx(whole.level)
        kept = again.state()


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_promised() -> None:
    """At one in 100 pairs, while the system gets better and worse every 50: over 40 runs of 400 pairs, alarms come no
    oftener than that.
    """
    alarms, n = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        detector = JudgeDetector(100.0, seed)
        for block in range(8):
            for rating, worth in rated(rng, 50, right=0.85 if block % 2 else 0.45):
                alarms += detector.update(rating, worth, 0.0) is not None
                n += 1
    assert alarms <= n / 100
