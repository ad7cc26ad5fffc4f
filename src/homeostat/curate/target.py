"""What the reply should have been, read from feedback."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from homeostat.curate.select import Pair
from homeostat.curate.text import tidy
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task

GOOD_RATING = 0.8
"""Rating from which on a reply is good enough to be learned as it is."""


def target(pairs: Iterable[Pair], task: Task, known: Collection[str]) -> list[Example]:
    """Examples of the pairs whose feedback says what to learn; the others are left out.

    Label task: a label may be new; a correction counts where it is one of the labels `known` or given as a label among
    these pairs, because "no, that is wrong" is no label. Text task: a correction, with the reply that it corrects as
    the one liked less, or the reply itself if it was rated 0.8 or better.
    """
    pairs = list(pairs)
    labels = {*known, *(tidy(f.value) for _, f in pairs if f.kind is FeedbackKind.LABEL)}
    examples = []
    for request, feedback in pairs:
        wanted = _label(feedback, labels) if task.kind is Kind.LABEL else _text(request, feedback)
        if wanted:
            corrected = task.kind is not Kind.LABEL and tidy(wanted) != tidy(request.reply)
            examples.append(_example(request, wanted, rejected=request.reply if corrected else ""))
    return examples


def _label(feedback: Feedback, labels: Collection[str]) -> str:
    value = tidy(feedback.value)
    said = feedback.kind is FeedbackKind.LABEL or (feedback.kind is FeedbackKind.CORRECTION and value in labels)
    return value if said else ""


def _text(request: Interaction, feedback: Feedback) -> str:
    if feedback.kind is FeedbackKind.CORRECTION:
        return feedback.value
    liked = feedback.kind is FeedbackKind.RATING and _rating(feedback) >= GOOD_RATING
    return request.reply if liked else ""


def _rating(feedback: Feedback) -> float:
    """The rating between 0 and 1, or 0 for what is no such number."""
    try:
        value = float(feedback.value)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and 0 <= value <= 1 else 0.0


def _example(request: Interaction, wanted: str, *, rejected: str) -> Example:
    return Example(
        text=request.text,
        target=wanted,
        task=request.task,
        interaction=request.id,
        time=request.time,
        rejected=rejected,
        tags=request.tags,
    )
