"""Reads objectives as the configuration states them: a number for the metric of that name, or keys and values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from homeostat.config.schema import METRICS, Config
from homeostat.decide.hours import span
from homeostat.decide.metric import KNOWN, hold, named, prices, word
from homeostat.decide.objective import Objective
from homeostat.errors import WrongType, did_you_mean
from homeostat.types.alert import Severity
from homeostat.types.task import Kind

OVER = "28d"
"""How far back a metric is measured, and a baseline before its date."""
LINE = "objective_at_least"
"""What the objective of the knob of that name is called."""
_KEYS = ("metric", "at_least", "at_most", "change", "alert", "severity", "since", "by", "slice", "over")
_OWN = ("label", "tag", "prices")
_HELP = "docs/how-to/set-objectives.md has what an objective may be"


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
        where = f"tasks.{task}.objectives.{name}"
        try:
            found.append(read(name, value, entry.kind))
        except ValueError as problem:
            raise WrongType(f"{name} {problem}", where=where, fix=_HELP) from None
        if found[-1].metric == "cost" and found[-1].prices is None and config.model.server:
            what, fix = f"{name} has no `prices`, and a server answers", "write `prices: {read: …, written: …}` there"
            raise WrongType(what, where=where, fix=fix)
    return tuple(found)


def read(name: str, value: Any, kind: Kind) -> Objective:
    """An objective as the configuration states it.

    Raises:
        ValueError: it is none; the rest of the sentence `NAME …`.
    """
    if name == LINE:
        raise ValueError("is what the knob of that name is called; call it otherwise")
    given = dict(value) if isinstance(value, Mapping) else {}
    known = (*_KEYS, *_OWN)
    if unknown := [key for key in given if key not in known]:
        raise ValueError(f"has no '{unknown[0]}'; {did_you_mean(unknown[0], known)}")
    metric = named(given.get("metric", name), kind)
    hold(metric, given)
    if not isinstance(value, Mapping):
        given["at_least" if KNOWN[metric].higher else "at_most"] = value
    change, relative = _change(given.get("change"), "change")
    line, since, by = _line(metric, given), _moment(given.get("since"), "since"), None
    if (line is None) == (change is None):
        raise ValueError("must have either a line (`at_least` or `at_most`) or a `change`")
    if change is not None and since is None:
        raise ValueError("has a `change` and no `since`, the date of what it is a change from")
    by = _moment(given.get("by"), "by", end=True)
    if since is not None and by is not None and by <= since:
        raise ValueError("has a `by` that is not after its `since`")
    return Objective(
        name=name,
        metric=metric,
        line=line,
        change=change or 0.0,
        relative=relative,
        alert=_alert(metric, given, line, change, relative),
        severity=_severity(given),
        since=since,
        by=math.inf if by is None else by,
        slice=_slice(given.get("slice")),
        over_s=_over(given.get("over", OVER)),
        label=word(given.get("label"), "label"),
        tag=word(given.get("tag"), "tag"),
        prices=prices(given.get("prices")),
    )


def _line(metric: str, given: Mapping[str, Any]) -> float | None:
    higher = KNOWN[metric].higher
    good, other = ("at_least", "at_most") if higher else ("at_most", "at_least")
    if other in given:
        raise ValueError(f"has `{other}`, but of {metric} {'more' if higher else 'less'} is better: use `{good}`")
    return _number(given.get(good), good)


def _number(value: Any, key: str) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"must have a number for {key}, got {value!r}")
    return None if value is None else float(value)


def _alert(
    metric: str, given: Mapping[str, Any], line: float | None, change: float | None, relative: bool
) -> float | None:
    """The alert level, stated as the target is: a value beside a line, a change beside a change."""
    level, target = given.get("alert"), line
    if level is None:
        return None
    if line is not None:
        found = _number(level, "alert")
    else:
        found, same = _change(level, "alert")
        target = change
        if same != relative and found != 0.0:
            raise ValueError(f"must have an alert that is stated as its change is, got {level!r}")
    sign = 1.0 if KNOWN[metric].higher else -1.0
    if found is not None and target is not None and sign * (target - found) < 0.0:
        raise ValueError(f"has an alert level that is better than its target, got {level!r}")
    return found


def _severity(given: Mapping[str, Any]) -> Severity:
    value = given.get("severity", Severity.CRITICAL)
    if "severity" in given and "alert" not in given:
        raise ValueError("has a `severity` and no `alert`, the level from which on it counts")
    if value not in list(Severity):
        raise ValueError(f"must have a severity of {', '.join(Severity)}, got {value!r}")
    return Severity(value)


def _change(value: Any, key: str) -> tuple[float | None, bool]:
    """(-0.15, True) of `-15%`, (-0.15, False) of -0.15."""
    if value is None:
        return None, False
    relative = isinstance(value, str) and value.strip().endswith("%")
    try:
        number = float(str(value).strip().rstrip("%").replace("−", "-"))
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"must have a {key} such as -15% or 0.05, got {value!r}")
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
