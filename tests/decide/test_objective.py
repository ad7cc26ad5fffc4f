"""Objectives: a line or a change from a dated baseline, by a date, and when one is behind or missed beyond chance."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from homeostat.decide.objective import Course, Objective, progress
from homeostat.decide.stated import read
from homeostat.stats.intervals import mean_interval
from homeostat.types.alert import Severity
from homeostat.types.report import Score
from homeostat.types.task import Kind


def at(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def score(mean: float, half: float = 0.02) -> Score:
    return Score(mean=mean, low=mean - half, high=mean + half, n=500)


FASTER = {"metric": "resolution_s", "change": "-15%", "since": "2026-01-01", "by": "2026-03-31"}


def test_a_change_from_a_baseline_by_a_date() -> None:
    """Resolution time -15 % by March: the target is a share of the baseline, the day of the deadline counts whole."""
    faster = read("faster", FASTER, Kind.LABEL)
    assert (faster.change, faster.relative, faster.since) == (-0.15, True, at("2026-01-01"))
    assert faster.by == at("2026-04-01")
    found = progress(faster, score(380, 5), score(400, 5), at("2026-02-15"))
    assert found.target == pytest.approx(340.0)
    assert found.due == pytest.approx(400 - 60 * 45 / 90)
    assert found.share == pytest.approx(20 / 60)
    assert found.course is Course.BEHIND
    assert found.says == (
        "resolution_s is 380.0 (375.0 to 385.0, n = 500), 400.0 at 2026-01-01, where at most 340.0 is wanted by "
        "2026-03-31, and 370.0 today: behind"
    )


@pytest.mark.parametrize(
    ("now", "day", "course"),
    [
        (score(399, 3), "2026-01-02", Course.OPEN),  # nothing is due on the first day
        (score(399, 3), "2026-02-15", Course.BEHIND),
        (score(371, 3), "2026-02-15", Course.OPEN),  # behind by less than chance
        (score(339, 3), "2026-02-15", Course.MET),
        (score(343, 3), "2026-04-02", Course.OPEN),
        (score(360, 3), "2026-04-02", Course.MISSED),
        (None, "2026-04-02", Course.UNKNOWN),
    ],
)
def test_the_course_to_a_deadline(now: Score | None, day: str, course: Course) -> None:
    """Behind what a straight way would have reached, beyond the intervals of both; missed only after the deadline."""
    assert progress(read("faster", FASTER, Kind.LABEL), now, score(400, 3), at(day)).course is course


def test_a_line_without_a_deadline() -> None:
    """Missed where the whole interval is on the wrong side, which depends on the direction of the metric."""
    good, slow = read("accuracy", 0.9, Kind.LABEL), read("latency_ms", 200, Kind.TEXT)
    assert (good.line, good.sign, slow.line, slow.sign) == (0.9, 1.0, 200.0, -1.0)
    courses = [progress(good, score(mean), None, 0.0).course for mean in (0.87, 0.89, 0.9)]
    assert courses == [Course.MISSED, Course.OPEN, Course.MET]
    assert progress(slow, score(230), None, 0.0).course is Course.MISSED
    assert progress(slow, score(190), None, 0.0).course is Course.MET


def test_a_line_by_a_date_without_a_baseline() -> None:
    """There is no way to it that could be left, so nothing is due before the day."""
    later = read("accuracy", {"at_least": 0.9, "by": "2026-03-31"}, Kind.LABEL)
    early, late = (progress(later, score(0.7), None, at(day)) for day in ("2026-03-30", "2026-04-01"))
    assert (early.course, early.due, early.gap) == (Course.OPEN, None, None)
    assert (late.course, late.due) == (Course.MISSED, 0.9)


def test_a_baseline_of_few_rows_is_doubt_too() -> None:
    """The same shortfall of a target that moves with an uncertain baseline is no miss."""
    wanted = read("up", {"metric": "rating", "change": 0.1, "since": "2026-01-01"}, Kind.TEXT)
    day = at("2026-02-01")
    assert progress(wanted, score(0.5), score(0.5, 0.01), day).course is Course.MISSED
    assert progress(wanted, score(0.5), score(0.5, 0.12), day).course is Course.OPEN


def test_what_is_called_missed_by_chance_is_rare() -> None:
    """Of 400 tasks that did reach +5 % of their baseline on average, at most 2 % are called missed (1 % on one side is
    promised, from 400 replies and a baseline of 400).
    """
    rng = np.random.default_rng(3)
    wanted = Objective(name="up", metric="accuracy", change=0.05, relative=True, since=0.0)
    missed = 0
    for _ in range(400):
        now, before = ((rng.random(400) < p).astype(float) for p in (0.84, 0.8))
        found = progress(wanted, mean_interval(now, 0.99), mean_interval(before, 0.99), 1.0)
        missed += found.course is Course.MISSED
    assert missed <= 8


def test_what_really_misses_is_found() -> None:
    """Nothing was gained where +20 % was wanted: most of 100 tasks are told of."""
    rng = np.random.default_rng(4)
    wanted = Objective(name="up", metric="accuracy", change=0.2, relative=True, since=0.0)
    scores = [[mean_interval((rng.random(800) < 0.7).astype(float), 0.99) for _ in range(2)] for _ in range(100)]
    assert sum(progress(wanted, now, before, 1.0).course is Course.MISSED for now, before in scores) >= 90


def test_an_alert_level_apart_from_the_target() -> None:
    """Between the two it is shown and nobody is told; surely beyond the level people are, as badly as it says."""
    wanted = read("accuracy", {"at_least": 0.9, "alert": 0.85, "severity": "warning"}, Kind.LABEL)
    found = [progress(wanted, score(mean), None, 0.0) for mean in (0.91, 0.89, 0.87, 0.84, 0.82)]
    assert [one.course for one in found] == [Course.MET, Course.OPEN, Course.BEHIND, Course.BEHIND, Course.ALARMING]
    assert [one.severity for one in found] == [None, None, None, None, Severity.WARNING]
    assert [one.over for one in found] == [True, True, True, False, False]
    assert [one.course.fails for one in found] == [False, False, True, True, True]
    assert found[-1].says == (
        "accuracy is 0.820 (0.800 to 0.840, n = 500), where at least 0.900 is wanted, and 0.850 in any case: alarming"
    )


def test_without_an_alert_level_the_target_is_one() -> None:
    """Missed is critical, behind is a warning, and it is over as soon as that is not sure any more."""
    slow = read("latency_ms", 200, Kind.TEXT)
    found = [progress(slow, score(mean, 10.0), None, 0.0) for mean in (230, 205, 190)]
    assert [(one.severity, one.over) for one in found] == [(Severity.CRITICAL, False), (None, True), (None, True)]
    late = progress(read("faster", FASTER, Kind.LABEL), score(399, 3), score(400, 3), at("2026-02-15"))
    assert late.severity is Severity.WARNING


def test_an_alert_level_beside_a_change() -> None:
    """It moves with the baseline and holds at any time, before the deadline too, and the baseline's doubt is doubt."""
    faster = read("faster", {**FASTER, "alert": "10%"}, Kind.LABEL)
    assert faster.alert == pytest.approx(0.1)
    day = at("2026-01-02")
    worse = progress(faster, score(460, 5), score(400, 5), day)
    assert (worse.course, worse.severity) == (Course.ALARMING, Severity.CRITICAL)
    assert worse.limit == pytest.approx(440.0)
    assert worse.beyond == pytest.approx(20.0)
    assert progress(faster, score(460, 5), score(400, 30), day).course is not Course.ALARMING
    late = progress(faster, score(400, 3), score(400, 3), at("2026-04-02"))
    assert (late.course, late.severity) == (Course.MISSED, None)
    assert progress(faster, score(460, 5), None, day).limit is None


def test_what_is_called_alarming_by_chance_is_rare() -> None:
    """Of 400 tasks that are just at their alert level, at most 2 % are called beyond it; worse ones are found."""
    rng = np.random.default_rng(5)
    wanted = read("accuracy", {"at_least": 0.9, "alert": 0.8}, Kind.LABEL)
    scores = [mean_interval((rng.random(200) < 0.8).astype(float), 0.99) for _ in range(400)]
    assert sum(progress(wanted, one, None, 0.0).course is Course.ALARMING for one in scores) <= 8
    worse = [mean_interval((rng.random(200) < 0.65).astype(float), 0.99) for _ in range(100)]
    assert sum(progress(wanted, one, None, 0.0).course is Course.ALARMING for one in worse) >= 90


def test_small_values_keep_their_digits() -> None:
    """A cost of a request is far below a cent; what is measured is told by name, label, tag and slice."""
    cheap = read("cost", {"at_most": 0.0004, "slice": {"tier": "gold"}, "prices": {"written": 2.0}}, Kind.TEXT)
    assert (
        "cost of tier=gold is 0.0001 (" in progress(cheap, Score(mean=0.0001, low=9e-5, high=2e-4, n=50), None, 0).says
    )
    gap = read("f", {"metric": "equalized_odds_gap", "tag": "language", "label": "refund", "at_most": 0.1}, Kind.LABEL)
    assert gap.what == "equalized_odds_gap for 'refund' by language"
