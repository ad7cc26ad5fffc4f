"""A release: who answers which share of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """How far a candidate has come."""

    SHADOW = "shadow"
    CANARY = "canary"
    SPLIT = "split"
    FULL = "full"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One row per change of who answers; the newest row of a task is in force."""

    id: str
    task: str
    time: float
    stage: Stage
    champion: str
    """Version that answers whatever no candidate answers."""
    candidate: str = ""
    share: float = 0.0
    """Share of episodes that the candidate answers (canary)."""
    because: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Further versions and their shares (split); the champion has the rest."""
    until: float = 0.0
    """Moment from which on the candidate answers nobody, whoever is alive to take it back, in seconds since 1970; 0 for
    none. Drills and splits have one."""
    trial: str = ""
    """What all rows of one split have in common; its draw of episodes depends on it. Of a canary whose share was
    raised: the id of the row that opened it."""

    @property
    def opened(self) -> str:
        """The id of the row that opened this stage: what was seen under a lower share stays evidence under a higher."""
        return self.trial if self.trial and self.stage is Stage.CANARY else self.id

    @property
    def tried(self) -> tuple[str, ...]:
        """The versions that stand beside the champion while a candidate, or several, are tried."""
        return (self.candidate,) if self.candidate else tuple(self.shares)
