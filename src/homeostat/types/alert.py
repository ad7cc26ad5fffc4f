"""An alert: something that a person should know, how badly, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from homeostat.types.signal import Moved

ROLLBACK, REFUSED, FAILED, OBJECTIVE = "rollback", "refused", "failed", "objective"
DISK, WORKER, APPROVAL = "disk", "worker", "approval"
LABELS, ADVICE, EMBEDDING, BASE, DRILL = "labels", "advice", "embedding", "base", "drill"
KINDS = (
    *(moved.value for moved in Moved),
    *(ROLLBACK, REFUSED, FAILED, OBJECTIVE, DISK, WORKER, APPROVAL, LABELS, ADVICE, EMBEDDING, BASE, DRILL),
)
"""What alerts are about: a signal of each kind, a version taken back, a turn that released nothing because every
candidate was refused, a turn that broke off, an objective missed, a disk that fills up, a worker that ended, a turn
that waits for approval, a decision that asks for labels, one that advises what no turn does, an embedding backend that
is away, a base whose bytes are not those that the version in force was proven over, a drill that was not seen."""


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    """Good to know."""
    WARNING = "warning"
    """Look at it today."""
    CRITICAL = "critical"
    """Users are served badly, or will be."""

    @property
    def rank(self) -> int:
        """0 for the least; for comparing."""
        return list(Severity).index(self)


class Remedy(StrEnum):
    """What a person may do about it."""

    LABEL = "label"
    RETRAIN = "retrain"
    ROLLBACK = "roll back"
    LOOK = "look"
    REVIEW = "review what is held back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What happened in a sentence. Its times are the clock's, not those of a replayed stream, for people read it."""

    id: str
    task: str
    """Empty where it is about the whole project."""
    time: float
    """When it came first."""
    kind: str
    """One of `KINDS`."""
    severity: Severity
    says: str
    """What happened, as the newest of its causes says it."""
    about: str = ""
    """Id of the newest row it is about, from which `homeostat why` goes on."""
    remedy: Remedy = Remedy.LOOK
    slice: str = ""
    """Where, e.g. `segment=business`; empty for all traffic."""
    key: str = ""
    """Its group: what has the same one is one alert while it goes on."""
    count: int = 1
    """How often it has come."""
    last: float = 0.0
    """When it came last."""
    told: int = 0
    """How often it was handed to the channels."""
    told_at: float = 0.0
    """When that was last; 0 for never."""
    told_as: Severity = Severity.INFO
    """The severity it had then."""
    silence: str = ""
    """Id of the silence that kept it from being told when it came last."""
    resolved: float = 0.0
    """When it was over; 0 while it is open."""
    because: str = ""
    """Why it is over."""
