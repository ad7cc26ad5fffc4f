"""A signal: evidence that something moved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PROPORTIONS = "proportions"
"""The detector that says that known kinds of requests come in other shares: good to know, and no more by itself."""


class Moved(StrEnum):
    """What a signal says has moved."""

    NOVELTY = "novelty"
    """Requests unlike those before: lower confidence, farther from the training set."""
    MIX = "mix"
    """The same requests in other proportions."""
    PERFORMANCE = "performance"
    """More replies are wrong, or surer ones, by labels or ratings."""
    UPSTREAM = "upstream"
    """A model elsewhere, which teaches or judges, replies otherwise than it did. No reason to retrain by itself."""
    JUDGE = "judge"
    """Whoever rates replies, a rule or a model, rates otherwise than it did. The replies may be as good as ever, so it
    is no reason to retrain."""
    FEEDBACK = "feedback"
    """Not the traffic but what is said of it: too much of it contradicts what is known, in one direction or by one
    source. It is held back, and is no reason to retrain."""

    @property
    def retrains(self) -> bool:
        """Whether it may be a reason to retrain: the traffic moved, or what is right about it."""
        return self not in (Moved.UPSTREAM, Moved.JUDGE, Moved.FEEDBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A statistic that passed its threshold, where, and examples of what moved."""

    id: str
    task: str
    time: float
    moved: Moved
    detector: str
    statistic: float
    threshold: float
    n: int
    """Interactions seen since the detector was started or last reset."""
    since: float = 0.0
    """Estimated time of the change, in seconds since 1970."""
    slice: str = ""
    """Where, e.g. `segment=business`, or whose feedback, `source=alice`; empty for all traffic."""
    examples: tuple[str, ...] = ()
    """Ids of interactions that moved it most."""

    @property
    def retrains(self) -> bool:
        """Whether it may be a reason to retrain: what moved may be, and it is not shares alone."""
        return self.moved.retrains and self.detector != PROPORTIONS
