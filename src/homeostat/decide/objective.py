"""Objectives: what a metric shall reach, in all requests or a slice, for good or by a date, and how far it has come.

An objective is a line (`at_least`, `at_most`), or a change from a baseline that the log shows at a date. The way to a
deadline is taken to be straight, and whoever is surely below that course is told before the deadline has come. An
objective may have an alert level besides, beyond its target: then it is there that people are told, and not before.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from homeostat.decide.metric import KNOWN, Prices
from homeostat.types.alert import Severity
from homeostat.types.report import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a metric shall reach."""

    name: str
    metric: str
    line: float | None = None
    """A value of the metric; None where it is a change from the baseline."""
    change: float = 0.0
    """From the baseline: a share of it if `relative`, else in the metric's own unit."""
    relative: bool = False
    alert: float | None = None
    """The level beyond which people are told, as `line` or `change` is stated; None: where the target is missed."""
    severity: Severity = Severity.CRITICAL
    """Of what they are told beyond the alert level."""
    since: float | None = None
    """Date of the baseline, in seconds since 1970: measured on what was known by then."""
    by: float = math.inf
    """Deadline, in seconds since 1970; infinite without one."""
    slice: Mapping[str, str] = field(default_factory=dict)
    """Tags that a request must carry; all requests where empty."""
    over_s: float = math.inf
    """How far back it is measured, in seconds."""
    label: str = ""
    """The one label that is asked about; empty for the mean over all of them."""
    tag: str = ""
    """Whose values are compared, of a metric that is a gap between them."""
    prices: Prices | None = None
    """By which a request costs something; None for those of the project."""

    @property
    def sign(self) -> float:
        """1 where more of the metric is better, -1 where less is."""
        return 1.0 if KNOWN[self.metric].higher else -1.0

    @property
    def where(self) -> str:
        """Its slice in words, e.g. `channel=mobile`; empty for all requests."""
        return ", ".join(f"{tag}={value}" for tag, value in self.slice.items())

    @property
    def what(self) -> str:
        """What is measured, in words: `recall for 'refund' of channel=mobile`."""
        label, tag = f" for '{self.label}'" if self.label else "", f" by {self.tag}" if self.tag else ""
        return f"{self.metric}{label}{tag}{f' of {self.where}' if self.slice else ''}"


class Course(StrEnum):
    """Where an objective stands."""

    MET = "met"
    OPEN = "open"
    """Not met, and it may be chance, or there is time yet."""
    BEHIND = "behind"
    """Surely below the straight way to a deadline that has not come; or surely not met, and not yet surely beyond the
    alert level."""
    MISSED = "missed"
    """Surely not met, and no time is left, or none was given and no alert level."""
    ALARMING = "alarming"
    """Surely beyond the alert level."""
    UNKNOWN = "unknown"
    """Too little was measured, now or at the date of the baseline."""

    @property
    def fails(self) -> bool:
        """Whether something should be done."""
        return self in (Course.BEHIND, Course.MISSED, Course.ALARMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an objective has come."""

    name: str
    metric: str
    slice: str
    course: Course
    now: Score | None
    """With a 99 % interval, as `baseline`."""
    baseline: Score | None = None
    target: float | None = None
    """Value of the metric that is wanted in the end."""
    due: float | None = None
    """Value that is wanted now: the target, or with a deadline what the straight way to it would have reached."""
    share: float | None = None
    """Part of the way from the baseline to the target that is behind; below 0 where it went the wrong way."""
    by: float | None = None
    """Deadline, in seconds since 1970; None without one."""
    gap: float | None = None
    """By how much the metric falls short of what is due, in its own unit; below 0 where it does not."""
    limit: float | None = None
    """Value of the metric beyond which people are told; None where the objective has no alert level."""
    beyond: float | None = None
    """By how much the metric is beyond that, in its own unit; below 0 where it is not."""
    severity: Severity | None = None
    """How badly people are to be told of it now; None where they are not."""
    says: str

    @property
    def over(self) -> bool:
        """Whether what people were told of it is over: the mean is back within the alert level; where there is none,
        nothing is surely missed any more.
        """
        return not self.course.fails if self.beyond is None else self.beyond <= 0.0


def progress(objective: Objective, now: Score | None, baseline: Score | None, at: float) -> Progress:
    """Where an objective stands at a moment, from the metric now and at the baseline's date, with 99 % intervals."""
    target, limit = _value(objective, objective.change, objective.line, baseline), _limit(objective, baseline)
    due, share, gap, beyond = _due(objective, baseline, target, at), None, None, None
    if now is not None and target is not None:
        share = _share(baseline, target, now)
        gap = None if due is None else objective.sign * (due - now.mean)
        beyond = None if limit is None else objective.sign * (limit - now.mean)
    course = _course(objective, now, baseline, (target, gap, beyond), at)
    return Progress(
        name=objective.name,
        metric=objective.metric,
        slice=objective.where,
        course=course,
        now=now,
        baseline=baseline,
        target=target,
        due=due,
        share=share,
        by=None if math.isinf(objective.by) else objective.by,
        gap=gap,
        limit=limit,
        beyond=beyond,
        severity=_severity(objective, course),
        says=_says(objective, now, baseline, (target, due, limit), course),
    )


def _course(
    objective: Objective,
    now: Score | None,
    baseline: Score | None,
    found: tuple[float | None, float | None, float | None],
    at: float,
) -> Course:
    """`found`: the target, by how much the metric falls short of what is due, and how far it is beyond the alert level;
    each None where it is not known, or not asked.
    """
    target, gap, beyond = found
    if now is None or target is None:
        return Course.UNKNOWN
    if beyond is not None and beyond > _doubt(objective, now, baseline, objective.alert or 0.0):
        return Course.ALARMING
    if objective.sign * (target - now.mean) <= 0.0:
        return Course.MET
    if gap is None or gap <= _doubt(objective, now, baseline, objective.change):
        return Course.OPEN
    over = at >= objective.by or (math.isinf(objective.by) and objective.alert is None)
    return Course.MISSED if over else Course.BEHIND


def _severity(objective: Objective, course: Course) -> Severity | None:
    """With an alert level people are told beyond it alone; without one as soon as something is surely amiss."""
    if objective.alert is not None:
        return objective.severity if course is Course.ALARMING else None
    return {Course.MISSED: Severity.CRITICAL, Course.BEHIND: Severity.WARNING}.get(course)


def _limit(objective: Objective, baseline: Score | None) -> float | None:
    if objective.alert is None:
        return None
    return _value(objective, objective.alert, None if objective.line is None else objective.alert, baseline)


def _value(objective: Objective, change: float, line: float | None, baseline: Score | None) -> float | None:
    """The value of the metric that a line, or a change from the baseline, stands for."""
    if line is not None or baseline is None:
        return line
    return baseline.mean + change * (baseline.mean if objective.relative else 1.0)


def _due(objective: Objective, baseline: Score | None, target: float | None, at: float) -> float | None:
    """The target, or where the straight way from the baseline to it would be. None where the target is not known, and
    where there is no way, for nothing is due then before the deadline.
    """
    if target is None or at >= objective.by or math.isinf(objective.by):
        return target
    if baseline is None or objective.since is None:
        return None
    passed = max(0.0, at - objective.since) / (objective.by - objective.since)
    return baseline.mean + passed * (target - baseline.mean)


def _doubt(objective: Objective, now: Score, baseline: Score | None, change: float) -> float:
    """How much of a shortfall may be chance: the half of the interval that points to the target, and that of the
    baseline where the target (that `change` from it) moves with it (square and add, as Newcombe 1998).
    """
    up = objective.sign > 0
    own = now.high - now.mean if up else now.mean - now.low
    if objective.line is not None or baseline is None:
        return own
    other = baseline.mean - baseline.low if up else baseline.high - baseline.mean
    return math.hypot(own, other * (1.0 + change if objective.relative else 1.0))


def _share(baseline: Score | None, target: float, now: Score) -> float | None:
    if baseline is None or target == baseline.mean:
        return None
    return (now.mean - baseline.mean) / (target - baseline.mean)


def _says(
    objective: Objective,
    now: Score | None,
    baseline: Score | None,
    wanted: tuple[float | None, float | None, float | None],
    course: Course,
) -> str:
    """`wanted`: in the end, today, and in any case; None where it is not known, or nothing is."""
    target, due, limit = wanted
    if now is None or target is None:
        missing = "now" if now is None else f"at {_day(objective.since)}"
        return f"{objective.what}: too little is known {missing}"
    way = "at least" if objective.sign > 0 else "at most"
    from_ = f", {_number(baseline.mean)} at {_day(objective.since)}" if baseline is not None else ""
    until = "" if math.isinf(objective.by) else f" by {_day(objective.by - 1.0)}"
    today = ""
    if course in (Course.BEHIND, Course.OPEN) and due is not None and due != target:
        today = f", and {_number(due)} today"
    least = "" if limit is None else f", and {_number(limit)} in any case"
    return (
        f"{objective.what} is {_number(now.mean)} ({_number(now.low)} to {_number(now.high)}, n = {now.n:,}){from_}, "
        f"where {way} {_number(target)} is wanted{until}{today}{least}: {course}"
    )


def _day(time: float | None) -> str:
    return "no date" if time is None else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    if 0.0 < abs(value) < 0.01:
        return f"{value:.2g}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
