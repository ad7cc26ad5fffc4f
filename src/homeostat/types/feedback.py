"""Feedback: what somebody said, later, about an interaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FeedbackKind(StrEnum):
    """What the value of a feedback means."""

    LABEL = "label"
    """`value` is the right label."""
    CORRECTION = "correction"
    """`value` is the text that should have been replied."""
    RATING = "rating"
    """`value` is a number between 0 (bad) and 1 (good), as text."""
    COMMENT = "comment"


PICKED = "picked, by "
"""Begins the source of a label that was asked for because the model was unsure of the request."""
LOT = f"{PICKED}lot between two, by "
"""Begins the source of a label that was asked for because two versions differ on the request, drawn among such."""


TRUTHS = (FeedbackKind.LABEL, FeedbackKind.CORRECTION)
"""Kinds of feedback that say what the reply should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One statement about one interaction; a later one corrects an earlier one, none is ever changed."""

    id: str
    interaction: str
    kind: FeedbackKind
    value: str
    time: float
    source: str = ""
    """Who said it (user, agent, judge …)."""

    @property
    def picked(self) -> bool:
        """Whether it was asked for because the model was unsure: it teaches much, and measures nothing."""
        return self.source.startswith(PICKED)

    @property
    def lot(self) -> bool:
        """Whether lot drew it among requests on which two versions differ: it says which of them is better, and, as it
        is `picked` too, nothing of the traffic.
        """
        return self.source.startswith(LOT)
