"""Quality as labels tell it: a score with its interval, and its course."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.metrics.text import chrf_row
from homeostat.stats.intervals import mean_interval
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind

Pairs = Sequence[tuple[Interaction, Feedback]]

POINTS = 24
"""Points of a course, at most."""
_LEAST = 25
"""Labels that a point of the course stands for, at least."""


def right(kind: Kind, reply: str, said: str) -> float:
    """How right a reply is: 1 or 0 for a label, chrF / 100 for a text."""
    return float(reply == said) if kind is Kind.LABEL else chrf_row(reply, said) / 100


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
