"""How far the objectives of a task have come: each metric read from the log, now and at the date of its baseline.

Now is what the version that answers has done, so that a better one is not held to what another did; a baseline is what
people got, whoever answered. Both are read over the same span, and of a baseline only what was known at its date.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from homeostat.config.schema import Config
from homeostat.decide.objective import Objective, Progress, progress
from homeostat.decide.stated import LINE, objectives_of
from homeostat.loop.deciding.measured import Span, measured
from homeostat.store import Store
from homeostat.store.notes import STANDINGS
from homeostat.types.version import Version


def standings(
    config: Config, store: Store, task: str, champion: Version, *, at: float, line: bool = True
) -> tuple[Progress, ...]:
    """Where each objective of a task stands at a moment; `line`: whether that of `objective_at_least` too."""
    wanted = [one for one in objectives_of(config, task) if line or one.name != LINE]
    return tuple(_standing(config, store, task, one, champion, at) for one in wanted)


def _standing(config: Config, store: Store, task: str, objective: Objective, champion: Version, at: float) -> Progress:
    now = Span(since=max(champion.time, at - objective.over_s), until=at, version=champion.id)
    then = None
    if objective.since is not None and objective.since <= at:
        then = Span(since=objective.since - objective.over_s, until=objective.since)
    before = None if then is None else measured(config, store, task, objective, then)
    return progress(objective, measured(config, store, task, objective, now), before, at)


def publish(store: Store, found: Iterable[tuple[str, Progress]], now: float) -> None:
    """Write down where objectives stand, by task, in place of the last time: `/metrics` and the overview read it."""
    store.state.put(STANDINGS, {"time": now, "objectives": [_line(task, one) for task, one in found]})


def _line(task: str, one: Progress) -> dict[str, Any]:
    values = {"mean": one.now.mean, "low": one.now.low, "high": one.now.high} if one.now else {}
    values |= {"target": one.target} if one.target is not None else {}
    values |= {"alert": one.limit} if one.limit is not None else {}
    return {
        "task": task,
        "objective": one.name,
        "metric": one.metric,
        "standing": one.course.value,
        "values": values,
        "rows": one.now.n if one.now else 0,
        "says": one.says,
    }
