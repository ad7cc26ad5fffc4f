"""How far the objectives of a task have come: each metric read from the log, now and at the date of its baseline.

Now is what the version that answers has done, so that a better one is not held to what another did; a baseline is what
people got, whoever answered. Both are read over the same span, and of a baseline only what was known at its date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from homeostat.config.schema import Config
from homeostat.decide.objective import LINE, Objective, Progress, objectives_of, progress
from homeostat.decide.trigger.sight import FEWEST, ROWS
from homeostat.loop.judges import believed, is_judge
from homeostat.monitor.quality.course import right
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind
from homeostat.types.version import Version

MOST = 2_000
"""Newest requests that a metric which needs no labels is the mean of, at most."""
LEVEL = 0.99
"""Level of every interval."""
LABELED = ("accuracy", "chrf", "wrong")
Said = Mapping[str, Sequence[Feedback]]
"""Id of an interaction -> what was said of it, oldest first."""


def standings(
    config: Config, store: Store, task: str, champion: Version, *, at: float, line: bool = True
) -> tuple[Progress, ...]:
    """Where each objective of a task stands at a moment; `line`: whether that of `objective_at_least` too."""
    wanted = [one for one in objectives_of(config, task) if line or one.name != LINE]
    return tuple(_standing(config.tasks[task].kind, store, task, one, champion, at) for one in wanted)


def _standing(kind: Kind, store: Store, task: str, objective: Objective, champion: Version, at: float) -> Progress:
    since = max(champion.time, at - objective.over_s)
    now = _measured(kind, store, task, objective, since=since, until=at, version=champion.id)
    before = None
    if objective.since is not None and objective.since <= at:
        begins = objective.since - objective.over_s
        before = _measured(kind, store, task, objective, since=begins, until=objective.since)
    return progress(objective, now, before, at)


def _measured(
    kind: Kind, store: Store, task: str, objective: Objective, *, since: float, until: float, version: str = ""
) -> Score | None:
    """The mean of a metric with its 99 % interval; None where there are too few values to say."""
    if objective.metric in LABELED:
        pairs = store.interactions.labeled(task, since=since, version=version, feedback_until=until, measuring=True)
        values = [right(kind, row.reply, said.value) for row, said in pairs if _within(objective, row)][-ROWS:]
        values = [1.0 - value for value in values] if objective.metric == "wrong" else values
    else:
        rows = store.interactions.last(task, MOST, since=since, until=until, version=version)
        rows = [row for row in rows if _within(objective, row)]
        values = METRICS[objective.metric](rows, _said(store, objective, rows, until))
    return mean_interval(values, LEVEL) if len(values) >= FEWEST else None


def _within(objective: Objective, row: Interaction) -> bool:
    return all(row.tags.get(tag) == value for tag, value in objective.slice.items())


def _said(store: Store, objective: Objective, rows: Sequence[Interaction], until: float) -> Said:
    found: dict[str, list[Feedback]] = {}
    if objective.metric in ("rating", "judged", "corrected"):
        said = store.feedback.of([row.id for row in rows])
        for one in believed(store, rows[0].task, said) if rows else ():
            if one.time <= until:
                found.setdefault(one.interaction, []).append(one)
    return found


def _ratings(rows: Sequence[Interaction], said: Said, *, judges: bool = False) -> list[float]:
    """People's newest rating of each request that they rated, or that of judges."""
    ratings = {id: [f for f in of if f.kind is FeedbackKind.RATING] for id, of in said.items()}
    given = [[float(f.value) for f in ratings.get(row.id, ()) if is_judge(f.source) == judges] for row in rows]
    return [values[-1] for values in given if values]


def _corrected(rows: Sequence[Interaction], said: Said) -> list[float]:
    """1 for each reply in whose place somebody wanted another one, else 0."""
    truths = (FeedbackKind.LABEL, FeedbackKind.CORRECTION)
    return [
        float(any(f.kind in truths and f.value.strip() != row.reply.strip() for f in said.get(row.id, ())))
        for row in rows
    ]


def _latencies(rows: Sequence[Interaction], said: Said) -> list[float]:
    return [row.latency_ms for row in rows]


def _tokens(rows: Sequence[Interaction], said: Said) -> list[float]:
    return [float(row.prompt_tokens + row.reply_tokens) for row in rows]


def _resolutions(rows: Sequence[Interaction], said: Said) -> list[float]:
    """Seconds from the first request of each episode to its last, in the order in which they began."""
    ends: dict[str, tuple[float, float]] = {}
    for row in rows:
        if row.episode:
            first, _ = ends.get(row.episode, (row.time, row.time))
            ends[row.episode] = (first, row.time)
    return [last - first for first, last in ends.values()]


METRICS: Mapping[str, Callable[[Sequence[Interaction], Said], list[float]]] = {
    "rating": _ratings,
    "judged": partial(_ratings, judges=True),
    "corrected": _corrected,
    "latency_ms": _latencies,
    "tokens": _tokens,
    "resolution_s": _resolutions,
}
"""Metrics that need no label: from requests, oldest first, and what was said of them, to values."""
