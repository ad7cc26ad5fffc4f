"""A decision: what to do about the signals, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a policy may decide."""

    WAIT = "wait"
    RETRAIN = "retrain"
    PROMPT = "prompt"
    """Answer with another instruction."""
    RETRIEVE = "retrieve"
    """Answer beside verified answers."""
    DISTIL = "distil"
    """Learn from what a teacher says of requests, labeled or not."""
    BASE = "base"
    """Stand on another base: proposed to people, and no turn's to do."""
    LABEL = "label"
    """Ask for more labels first."""
    ROLLBACK = "rollback"

    @property
    def makes(self) -> bool:
        """Whether a candidate comes of it."""
        return self in (Action.RETRAIN, Action.PROMPT, Action.RETRIEVE, Action.DISTIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """An action that was weighed and its worth, in the task's own units of value."""

    action: str
    """An action, or the recipe of a training."""
    gain: float
    cost: float
    gain_interval: tuple[float, float] | None = None
    """95 % interval of `gain`; None where none was measured."""
    says: str = ""
    """What it is, where that is not told by its name."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What `cost` is made of: `making` the candidate, `answering` by it, the `judge`'s tokens, and the `risk` that it
    is bad; what is nothing is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action with its expected gain, its cost, and a sentence."""

    id: str
    task: str
    time: float
    action: Action
    because: str
    gain: float = 0.0
    """Expected rise of the task's metric, as a difference of means (0.05 = five points)."""
    gain_interval: tuple[float, float] = (0.0, 0.0)
    """95 % interval of `gain`."""
    cost: float = 0.0
    """In the unit of `decide.value_per_correct`."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What it is made of, where a candidate is made; as in `Alternative`."""
    alternatives: tuple[Alternative, ...] = ()
    signals: tuple[str, ...] = ()
    """Ids of the signals it rests on."""
    policy: str = ""
    """Name of the policy that decided; empty for the built-in one."""
    chosen: str = ""
    """Which of several ways of the action it is: `prompt`, `retrieve`, or a recipe; empty where none was probed."""
    inputs: str = ""
    """Blob of everything it was decided from, so that anybody can decide it again; empty in old rows."""
