"""A task: a named job the model does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a task's reply is."""

    LABEL = "label"
    """One of a growing set of labels, chosen by scoring each of them."""
    TEXT = "text"
    """Free text, generated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A named job: support-routing, replies."""

    name: str
    kind: Kind = Kind.LABEL
    instruction: str = ""
    """The system message that every request of this task carries."""
    metric: str = "accuracy"
    """Name of a metric in `homeostat.metrics`: accuracy for labels, chrf for text."""
    labels: tuple[str, ...] = ()
    """The labels known so far, in the order in which they became known. A version carries its own copy."""
    unsure_below: float = 0.0
    """Confidence in its label below which a version does not give it."""
    unsure_reply: str = "unsure"
    """What the user gets then; the name of a queue that people look at, for instance."""

    def said(self, reply: str, confidence: float) -> str:
        """What the user gets of a version's reply."""
        return self.unsure_reply if self.kind is Kind.LABEL and confidence < self.unsure_below else reply
