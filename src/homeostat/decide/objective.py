"""Objectives: what a metric shall reach, in all requests or a slice, for good or by a date, and how far it has come.

An objective is a line (`at_least`, `at_most`), or a change from a baseline that the log shows at a date. The way to a
deadline is taken to be straight, and whoever is surely below that course is told before the deadline has come. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from homeostat.config.schema import METRICS, Config
from homeostat.decide.hours import span
from homeostat.errors import WrongType, did_you_mean
from homeostat.types.report import Score
from homeostat.types.task import Kind

HIGHER = {
    "accuracy": True,
    "chrf": True,
    "wrong": False,
    "rating": True,
    "judged": True,
    "corrected": False,
    "latency_ms": False,
    "tokens": False,
    "resolution_s": False,
}
"""Metric -> whether more of it is better. Labels tell `accuracy`, `chrf` and `wrong` (one less either), people `rating`
and `corrected` (share of the replies), judges `judged`, the log `latency_ms`, `tokens` (read and written, of a request)
and `resolution_s` (from the first request of an episode to its last)."""
OVER = "28d"
"""How far back a metric is measured, and a baseline before its date."""
LINE = "objective_at_least"
"""What the objective of the knob of that name is called."""
_KEYS = ("metric", "at_least", "at_most", "change", "since", "by", "slice", "over")


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
    since: float | None = None
    """Date of the baseline, in seconds since 1970: measured on what was known by then."""
    by: float = math.inf
    """Deadline, in seconds since 1970; infinite without one."""
    slice: Mapping[str, str] = field(default_factory=dict)
    """Tags that a request must carry; all requests where empty."""
    over_s: float = math.inf
    """How far back it is measured, in seconds."""

    @property
    def sign(self) -> float:
        """1 where more of the metric is better, -1 where less is."""
        return 1.0 if HIGHER[self.metric] else -1.0

    @property
    def where(self) -> str:
        """Its slice in words, e.g. `channel=mobile`; empty for all requests."""
        return ", ".join(f"{tag}={value}" for tag, value in self.slice.items())


class Course(StrEnum):
    """Where an objective stands."""

    MET = "met"
    OPEN = "open"
    """Not met, and it may be chance, or there is time yet."""
    BEHIND = "behind"
    """Surely below the straight way to a deadline that has not come."""
    MISSED = "missed"
    """Surely not met, and no time is left, or none was given."""
    UNKNOWN = "unknown"
    """Too little was measured, now or at the date of the baseline."""

    @property
    def fails(self) -> bool:
        """Whether something should be done."""
        return self in (Course.BEHIND, Course.MISSED)


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
    says: str


def progress(objective: Objective, now: Score | None, baseline: Score | None, at: float) -> Progress:
    """Where an objective stands at a moment, from the metric now and at the baseline's date, with 99 % intervals."""
    target, course, share = _target(objective, baseline), Course.UNKNOWN, None
    due, gap = _due(objective, baseline, target, at), None
    if now is not None and target is not None:
        share, course = _share(baseline, target, now), Course.OPEN
        if due is not None:
            gap = objective.sign * (due - now.mean)
            over = at >= objective.by or math.isinf(objective.by)
            if gap > _doubt(objective, now, baseline):
                course = Course.MISSED if over else Course.BEHIND
        if objective.sign * (target - now.mean) <= 0.0:
            course = Course.MET
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
        says=_says(objective, now, baseline, target, due, course),
    )


def _target(objective: Objective, baseline: Score | None) -> float | None:
    if objective.line is not None or baseline is None:
        return objective.line
    return baseline.mean + objective.change * (baseline.mean if objective.relative else 1.0)


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


def _doubt(objective: Objective, now: Score, baseline: Score | None) -> float:
    """How much of a shortfall may be chance: the half of the interval that points to the target, and that of the
    baseline where the target moves with it (square and add, as Newcombe 1998).
    """
    up = objective.sign > 0
    own = now.high - now.mean if up else now.mean - now.low
    if objective.line is not None or baseline is None:
        return own
    other = baseline.mean - baseline.low if up else baseline.high - baseline.mean
    return math.hypot(own, other * (1.0 + objective.change if objective.relative else 1.0))


def _share(baseline: Score | None, target: float, now: Score) -> float | None:
    if baseline is None or target == baseline.mean:
        return None
    return (now.mean - baseline.mean) / (target - baseline.mean)


def _says(
    objective: Objective,
    now: Score | None,
    baseline: Score | None,
    target: float | None,
    due: float | None,
    course: Course,
) -> str:
    what = f"{objective.metric}{f' of {objective.where}' if objective.slice else ''}"
    if now is None or target is None:
        missing = "now" if now is None else f"at {_day(objective.since)}"
        return f"{what}: too little is known {missing}"
    way = "at least" if objective.sign > 0 else "at most"
    from_ = f", {_number(baseline.mean)} at {_day(objective.since)}" if baseline is not None else ""
    until = "" if math.isinf(objective.by) else f" by {_day(objective.by - 1.0)}"
    today = ""
    if course in (Course.BEHIND, Course.OPEN) and due is not None and due != target:
        today = f", and {_number(due)} today"
    return (
        f"{what} is {_number(now.mean)} ({_number(now.low)} to {_number(now.high)}, n = {now.n:,}){from_}, where "
        f"{way} {_number(target)} is wanted{until}{today}: {course}"
    )


def objectives_of(config: Config, task: str) -> tuple[Objective, ...]:
    """The objectives of a task: that of `objective_at_least`, where there is one, then those of `objectives`.

    Raises:
        WrongType: one is none.
    """
    entry = config.tasks[task]
    found = []
    if entry.objective_at_least is not None:
        found.append(Objective(name=LINE, metric=METRICS[entry.kind], line=entry.objective_at_least))
    for name, value in entry.objectives.items():
        try:
            found.append(read(name, value, entry.kind))
        except ValueError as problem:
            fix = "docs/how-to/set-objectives.md has what an objective may be"
            raise WrongType(f"{name} {problem}", where=f"tasks.{task}.objectives.{name}", fix=fix) from None
    return tuple(found)


def read(name: str, value: Any, kind: Kind) -> Objective:
    """An objective as the configuration states it: a number for the metric of its name, or keys and values.

    Raises:
        ValueError: it is none; the rest of the sentence `NAME …`.
    """
    if name == LINE:
        raise ValueError("is what the knob of that name is called; call it otherwise")
    given = dict(value) if isinstance(value, Mapping) else {}
    if unknown := [key for key in given if key not in _KEYS]:
        raise ValueError(f"has no '{unknown[0]}'; {did_you_mean(unknown[0], _KEYS)}")
    metric = _metric(given.get("metric", name), kind)
    if not isinstance(value, Mapping):
        given["at_least" if HIGHER[metric] else "at_most"] = value
    change, relative = _change(given.get("change"))
    line, since = _line(metric, given), _moment(given.get("since"), "since")
    if (line is None) == (change is None):
        raise ValueError("must have either a line (`at_least` or `at_most`) or a `change`")
    if change is not None and since is None:
        raise ValueError("has a `change` and no `since`, the date of what it is a change from")
    by = _moment(given.get("by"), "by", end=True)
    if since is not None and by is not None and by <= since:
        raise ValueError("has a `by` that is not after its `since`")
    over = given.get("over", OVER)
    return Objective(
        name=name,
        metric=metric,
        line=line,
        change=change or 0.0,
        relative=relative,
        since=since,
        by=math.inf if by is None else by,
        slice=_slice(given.get("slice")),
        over_s=_over(over),
    )


def _metric(name: Any, kind: Kind) -> str:
    known = [one for one in HIGHER if one not in METRICS.values() or one == METRICS[kind]]
    if name not in known:
        raise ValueError(f"knows no metric {name!r} of a task of kind {kind}; {did_you_mean(str(name), known)}")
    return str(name)


def _line(metric: str, given: Mapping[str, Any]) -> float | None:
    good, other = ("at_least", "at_most") if HIGHER[metric] else ("at_most", "at_least")
    if other in given:
        raise ValueError(
            f"has `{other}`, but of {metric} {'more' if HIGHER[metric] else 'less'} is better: use `{good}`"
        )
    value = given.get(good)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"must have a number for {good}, got {value!r}")
    return None if value is None else float(value)


def _change(value: Any) -> tuple[float | None, bool]:
    """(-0.15, True) of `-15%`, (-0.15, False) of -0.15."""
    if value is None:
        return None, False
    relative = isinstance(value, str) and value.strip().endswith("%")
    try:
        number = float(str(value).strip().rstrip("%").replace("−", "-"))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"must have a change such as -15% or 0.05, got {value!r}")
    return (number / 100.0 if relative else number), relative


def _moment(value: Any, key: str, *, end: bool = False) -> float | None:
    """Seconds since 1970 of `2026-03-31`: its beginning, or its `end`; in UTC where it names no zone."""
    if value is None:
        return None
    try:
        day = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"must have a date such as 2026-03-31 for {key}, got {value!r}") from None
    day = day if day.tzinfo else day.replace(tzinfo=UTC)
    return (day + timedelta(days=1) if end and len(str(value).strip()) == len("2026-03-31") else day).timestamp()


def _slice(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not value or any(isinstance(one, dict | list) for one in value.values()):
        raise ValueError(f"must have a slice of tags such as {{channel: mobile}}, got {value!r}")
    return {str(tag): str(one) for tag, one in value.items()}


def _over(value: Any) -> float:
    seconds = span(value) if isinstance(value, str) else 0.0
    if seconds <= 0.0:
        raise ValueError(f"must have a span of time such as 28d for over, got {value!r}")
    return seconds


def _day(time: float | None) -> str:
    return "no date" if time is None else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
