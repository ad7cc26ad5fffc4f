"""Quality as labels and confidence tell it: a score with its interval, and its course."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from homeostat.errors import BadRequest
from homeostat.loop.listening.judges import regime
from homeostat.monitor.quality.course import Told, right
from homeostat.monitor.quality.parts import Part, parts, values_of
from homeostat.release.judges import changed, is_judge
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.store.interactions import Figures
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task

Pairs = Sequence[tuple[Interaction, Feedback]]
R = TypeVar("R", Interaction, Figures)

POINTS = 24
"""Points of a course, at most."""
_LEAST = 25
"""Labels that a point of the course stands for, at least."""


def measured(kind: Kind, pairs: Pairs) -> Score | None:
    """The mean over interactions with the right reply known; None where there are none."""
    values = [right(kind, interaction.reply, feedback.value) for interaction, feedback in pairs]
    return mean_interval(values) if values else None


def course(kind: Kind, pairs: Pairs) -> list[dict[str, object]]:
    """The same in batches of at least 25, oldest first, each with the version that answered last in it."""
    size = max(_LEAST, -(-len(pairs) // POINTS))
    found: list[dict[str, object]] = []
    for start in range(0, len(pairs) - _LEAST + 1, size):
        batch = pairs[start : start + size]
        score = measured(kind, batch)
        if score is not None:
            middle, last = batch[len(batch) // 2][0], batch[-1][0]
            found.append({"time": middle.time, "score": score, "version": last.version})
    return found


def told(store: Store, task: Task, version: str, n: int) -> list[Told]:
    """The newest `n` requests that a version answered, oldest first: how sure it was, how right where it is known, and
    how the judge rated them that has rated most.

    One version's alone, for confidence of another is another number; and one judge's, for the same reason.
    """
    return [said for _, said in _told(store, task, version, store.interactions.figures(task.name, n, version=version))]


def sliced(rows: Sequence[tuple[Interaction, Told]], by: str) -> list[tuple[Interaction, Told]]:
    """Those of one slice, where `by` is `NAME=VALUE`; all where it is a name alone, or empty.

    Raises:
        BadRequest: the name or the value is missing.
        UnknownPlugin: no request has such a tag, and no feature that gives labels is called so.
    """
    name, equals, value = by.partition("=")
    if not equals:
        return list(rows)
    if not (name and value):
        raise BadRequest(f"'{by}' is no slice", where="by", fix="NAME=VALUE, e.g. channel=mobile, or a name alone")
    values = values_of([row for row, _ in rows], name)
    return [pair for pair, own in zip(rows, values, strict=True) if own == value]


def by_slice(rows: Sequence[tuple[Interaction, Told]], by: str) -> list[Part]:
    """Each slice by a tag or a feature, where `by` is its name alone; none where it is one slice, or empty.

    Raises:
        UnknownPlugin: no request has such a tag, and no feature that gives labels is called so.
    """
    if not by or "=" in by or not rows:
        return []
    return parts([said for _, said in rows], values_of([row for row, _ in rows], by))


def beside(store: Store, task: Task, version: str, n: int) -> list[tuple[Interaction, Told]]:
    """Each of the newest requests, whole, and what is told of it."""
    return _told(store, task, version, store.interactions.last(task.name, n, version=version))


def _told(store: Store, task: Task, version: str, rows: Sequence[R]) -> list[tuple[R, Told]]:
    known = store.interactions.labeled(task.name, since=rows[0].time, version=version, measuring=True) if rows else []
    truth = {interaction.id: right(task.kind, interaction.reply, feedback.value) for interaction, feedback in known}
    rated = _rated(store, task.name, [row.id for row in rows])
    return [
        (
            row,
            Told(
                time=row.time,
                confidence=row.confidence,
                right=truth.get(row.id),
                judged=rated[row.id][0] if row.id in rated else None,
                regime=rated[row.id][1] if row.id in rated else 0,
            ),
        )
        for row in rows
    ]


def _rated(store: Store, task: str, rows: Sequence[str]) -> dict[str, tuple[float, int | None]]:
    """Interaction -> the rating of the judge that has rated most of them, and how often it had changed by then."""
    ratings = [f for f in store.feedback.of(rows) if f.kind is FeedbackKind.RATING and is_judge(f.source)]
    if not ratings:
        return {}
    judge = Counter(f.source for f in ratings).most_common(1)[0][0]
    times = changed(store, task).get(judge, [])
    return {f.interaction: (float(f.value), regime(times, f.time)) for f in ratings if f.source == judge}
