"""What triggers look at, what they say, and what is remembered between two looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Protocol

from homeostat.decide.objective import Progress
from homeostat.stats.intervals import mean_interval
from homeostat.types.report import Score
from homeostat.types.signal import Signal

ROWS, FEWEST = 200, 30
"""Replies that quality now and quality when new are each the mean of, at most and at least."""
MEASURED, ESTIMATED, RATED = "measured", "estimated", "rated"
NEWEST, REQUESTS, OBJECTIVES = "newest", "requests", "objectives"
"""Parts of a sight that take time to gather: only those that a trigger `reads` are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """How good replies were when the version was new, and how good they are."""

    before: Score
    now: Score

    @property
    def mean(self) -> float:
        """By how much they have become worse."""
        return self.before.mean - self.now.mean

    @property
    def low(self) -> float:
        """Lower end of its 95 % interval, from the two intervals (square and add, as Newcombe 1998)."""
        return self.mean - math.hypot(self.before.mean - self.before.low, self.now.high - self.now.mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of a task at one moment."""

    time: float
    """The moment, in seconds since 1970."""
    champion: str
    """The version that answers."""
    retrained: float
    """When a retraining was last decided; where none was, when the data of the champion end."""
    acted: str = ""
    """Id of the last decision that did more than wait."""
    requests: float = 0.0
    """Answered since the last turn looked; 0 where no trigger reads it."""
    labels: int = 0
    """Said since the last turn looked."""
    min_labels: int = 1
    """`decide.min_labels` of the task."""
    signals: tuple[Signal, ...] = ()
    """That no turn has looked at."""
    falls: Mapping[str, Fall] = field(default_factory=dict)
    """Kind (`measured`, `estimated`, `rated`) -> how far replies have become worse; what is not known is left out."""
    newest: Score | None = None
    """How right the newest labeled replies are, with a 99 % interval."""
    objective: float | None = None
    """The task's `objective_at_least`."""
    objectives: tuple[Progress, ...] = ()
    """Where the task's `objectives` stand."""
    manual: bool = False
    """Whether a person has asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is remembered of one trigger."""

    held: int = 0
    """Looks in a row at which it held."""
    armed: bool = True
    """Whether it may fire: something was done about it, and it has not fallen below its lower line since."""
    fired: float = 0.0
    """When it fired last, in seconds since 1970."""
    champion: str = ""
    """The version that answered then."""
    pace: int = 0
    """0 to 2: how far a schedule between two lengths has been stretched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a trigger stands: it holds where its value has reached its line and that is sure."""

    value: float | None
    """None where it is not known."""
    line: float
    says: str
    """Both in words: `140 of 200 new labels`."""
    sure: bool = True
    lasts: bool = False
    """Whether it may go on holding after something was done about it, so that it must fall before it fires again."""
    next: float | None = None
    """When it will hold whatever happens, in seconds since 1970; None where nobody knows."""

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.value is not None and self.value >= self.line and self.sure


class Trigger(Protocol):
    """What an entry of `homeostat.triggers` makes of the value that the configuration gives it."""

    @property
    def reads(self) -> frozenset[str]:
        """Which of the costly parts of a sight it looks at."""

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """Where it stands; the same arguments give the same answer."""


def fall(values: Sequence[float]) -> Fall | None:
    """How far the newest values, oldest first, are below the first ones; None where there are too few to say."""
    rows = min(ROWS, len(values) // 2)
    if rows < FEWEST:
        return None
    return Fall(before=mean_interval(values[:rows]), now=mean_interval(values[-rows:]))


def newest(values: Sequence[float]) -> Score | None:
    """How right the newest replies are, with a 99 % interval; None where there are too few to say."""
    return mean_interval(values[-ROWS:], 0.99) if len(values) >= FEWEST else None


def clock(time: float, zone: tzinfo) -> str:
    """A moment as people in a zone read it: `2026-11-22 08:00`."""
    return f"{datetime.fromtimestamp(time, zone):%Y-%m-%d %H:%M}" if math.isfinite(time) else "never"
