"""What the reply should have been, read from feedback."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace

from homeostat.curate.select import Pair
from homeostat.curate.text import tidy
from homeostat.types.dataset import GOOD_RATING, Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task


def target(pairs: Iterable[Pair], task: Task, known: Collection[str], *, rated: bool = False) -> list[Example]:
    """Examples of the pairs whose feedback says what to learn; the others are left out.

    Label task: a label may be new; a correction counts where it is one of the labels `known` or given as a label among
    these pairs, because "no, that is wrong" is no label. Text task: a correction, with the reply that it corrects as
    the one liked less, or the reply itself if it was rated 0.8 or better. With `rated` the reply itself whatever it was
    rated (`Example.value`): for who learns from ratings, and for nobody else.
    """
    pairs = list(pairs)
    labels = {*known, *(tidy(f.value) for _, f in pairs if f.kind is FeedbackKind.LABEL)}
    examples = []
    for request, feedback in pairs:
        if task.kind is Kind.TEXT and feedback.kind is FeedbackKind.RATING:
            value = rating(feedback)
            if value is not None and request.reply and (rated or value >= GOOD_RATING):
                examples.append(replace(_example(request, request.reply), value=value))
        elif wanted := _label(feedback, labels) if task.kind is Kind.LABEL else _correction(feedback):
            corrected = task.kind is not Kind.LABEL and tidy(wanted) != tidy(request.reply)
            examples.append(replace(_example(request, wanted), rejected=request.reply if corrected else ""))
    return examples


def good(rows: Iterable[Example]) -> list[Example]:
    """The rows whose replies are to be given: all but those that were rated badly."""
    return [row for row in rows if row.good]


def _label(feedback: Feedback, labels: Collection[str]) -> str:
    value = tidy(feedback.value)
    said = feedback.kind is FeedbackKind.LABEL or (feedback.kind is FeedbackKind.CORRECTION and value in labels)
    return value if said else ""


def _correction(feedback: Feedback) -> str:
    return feedback.value if feedback.kind is FeedbackKind.CORRECTION else ""


def rating(feedback: Feedback) -> float | None:
    """The rating between 0 and 1; None for what is no such number."""
    try:
        value = float(feedback.value)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


def _example(request: Interaction, wanted: str) -> Example:
    return Example(
        text=request.text,
        target=wanted,
        task=request.task,
        interaction=request.id,
        time=request.time,
        tags=request.tags,
    )
