"""Triggers that look at quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decide.trigger.sights import stands
from homeostat.decide.objective import progress
from homeostat.decide.stated import read
from homeostat.decide.trigger.fallen import drop, estimated_drop, objective, rating_drop
from homeostat.decide.trigger.sight import FEWEST, fall, newest
from homeostat.types.report import Score
from homeostat.types.task import Kind


def replies(*shares: float, n: int = 200) -> list[float]:
    """Right and wrong replies, `n` of each share, spread evenly."""
    return [float(k % 100 < 100 * share) for share in shares for k in range(n)]


def test_a_fall_that_is_sure() -> None:
    """From nine in ten to seven in ten of 200 replies each: it holds at ten points and not at thirty."""
    known = fall(replies(0.9, 0.8, 0.7))
    assert known is not None
    assert known.mean == pytest.approx(0.2)
    assert known.low > 0.1
    falls = {"measured": known}
    assert stands(drop(0.1), falls=falls).holds
    assert not stands(drop(0.3), falls=falls).holds
    assert "+0.200 below what it was, where 0.3 is wanted" in stands(drop(0.3), falls=falls).says


def test_a_fall_that_may_be_chance() -> None:
    """Ten points of thirty replies each are reached, and yet it does not hold; it says why."""
    known = fall([*replies(0.9, n=30), *replies(0.8, n=30)][:60])
    assert known is not None
    standing = stands(drop(0.05), falls={"measured": known})
    assert (standing.holds, standing.sure) == (known.low > 0, known.low > 0)
    even = fall(np.resize([1.0, 1.0, 1.0, 0.0], 40).tolist() + np.resize([1.0, 0.0, 1.0], 40).tolist())
    assert even is not None
    doubtful = stands(drop(0.05), falls={"measured": even})
    assert not doubtful.holds
    assert "which may be chance" in doubtful.says


def test_false_falls_are_rare() -> None:
    """Of 400 streams in which nothing changes, at most 5 % are taken for a fall of any size."""
    rng = np.random.default_rng(0)
    falls = [fall((rng.random(400) < 0.85).astype(float).tolist()) for _ in range(400)]
    assert sum(known is not None and known.low > 0 for known in falls) <= 20


def test_each_kind_looks_at_its_own() -> None:
    """Ratings say nothing of labels, and what is not known does not hold."""
    known = fall(replies(0.9, 0.5))
    assert known is not None
    assert stands(rating_drop(0.1), falls={"rated": known}).holds
    for other in (drop(0.1), estimated_drop(0.1)):
        standing = stands(other, falls={"rated": known})
        assert (standing.value, standing.holds) == (None, False)
        assert "too little is known" in standing.says


def test_too_few_replies() -> None:
    """Below thirty on either side nothing is said."""
    assert fall(replies(0.9, n=2 * FEWEST - 1)) is None
    assert fall(replies(0.9, n=2 * FEWEST)) is not None
    assert newest(replies(0.9, n=FEWEST - 1)) is None


def test_an_objective() -> None:
    """Missed when the whole interval is below it; a line of its own goes before the task's."""
    score = newest(replies(0.7))
    assert stands(objective(True), newest=score, objective=0.9).holds
    assert not stands(objective(True), newest=score, objective=0.72).holds
    assert stands(objective(0.85), newest=score, objective=0.5).holds
    assert stands(objective(True), newest=score).says == "the task has no objective"
    assert stands(objective(True), objective=0.9).says == "too few labeled replies"


def test_named_objectives() -> None:
    """One that fails is enough, and says which; one that is named is the only one that counts; what is met lets the
    trigger fire again.
    """
    day = 1_700_000_000.0
    low, high = (Score(mean=m, low=m - 0.02, high=m + 0.02, n=400) for m in (0.6, 0.9))
    line = read("rating", 0.8, Kind.TEXT)
    fails, met = progress(line, low, None, day), replace(progress(line, high, None, day), name="fine")
    both = (met, fails)
    standing = stands(objective(True), objectives=both, newest=newest(replies(0.9)), objective=0.5)
    assert standing.holds
    assert standing.says.startswith("rating: rating is 0.600")
    assert stands(objective("rating"), objectives=both).holds
    fine = stands(objective("fine"), objectives=both)
    assert (fine.holds, fine.value) == (False, -1.0)
    assert not stands(objective(True), objectives=(met,)).holds
    assert stands(objective("gone"), objectives=both).value is None
    assert objective("rating").reads == {"objectives"}


def test_an_objective_beyond_its_alert_level_comes_first() -> None:
    """It holds where nothing is due yet, and before one that is only behind; short of the target without alarm holds
    too, for a target that is surely missed is a reason to look for something better.
    """
    day, low = 1_700_000_000.0, Score(mean=0.6, low=0.58, high=0.62, n=400)
    later = read("later", {"metric": "rating", "at_least": 0.9, "alert": 0.7, "by": "2030-01-01"}, Kind.TEXT)
    behind = read("behind", {"metric": "rating", "at_least": 0.95, "alert": 0.5}, Kind.TEXT)
    known = (progress(behind, low, None, day), progress(later, low, None, day))
    assert [(one.course.value, one.gap is None) for one in known] == [("behind", False), ("alarming", True)]
    standing = stands(objective(True), objectives=known)
    assert standing.holds
    assert standing.value == pytest.approx(0.1)
    assert standing.says.startswith("later: rating is 0.600")
    assert stands(objective("behind"), objectives=known).holds


@pytest.mark.parametrize("value", [0, 2, "5%", True, None])
def test_points_that_are_none(value: object) -> None:
    """Points are a share above zero: 0.05 is five."""
    with pytest.raises(ValueError, match="must be a number above 0"):
        drop(value)
