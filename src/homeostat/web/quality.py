"""Quality as labels and confidence tell it: a score with its interval, and its course."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.monitor.quality.course import Told, right
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.web.newest import newest

Pairs = Sequence[tuple[Interaction, Feedback]]

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
    """The newest `n` requests that a version answered, oldest first: how sure it was, and how right where it is known.

    One version's alone, for confidence of another is another number.
    """
    rows = newest(store, task.name, n, version=version)[::-1]
    known = store.interactions.labeled(task.name, since=rows[0].time, version=version, measuring=True) if rows else []
    truth = {interaction.id: right(task.kind, interaction.reply, feedback.value) for interaction, feedback in known}
    return [Told(time=row.time, confidence=row.confidence, right=truth.get(row.id)) for row in rows]
