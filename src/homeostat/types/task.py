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
