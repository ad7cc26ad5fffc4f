"""A turn: one trip round the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OPEN, AWAITING = "open", "awaiting approval"
"""States of a turn that has not ended: somebody works on it; it wants to retrain, and a person has to say so first."""
APPROVAL = "approval"
"""Entry of the diary that says who has approved or rejected it, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One trip round the loop and its diary: which step left which noun."""

    id: str
    task: str
    time: float
    state: str = OPEN
    """`open`, perhaps `awaiting approval`, then the name of the step that ended it, or `failed` where none did."""
    because: str = ""
    diary: Mapping[str, str] = field(default_factory=dict)
    """Step -> id of the noun it left."""

    @property
    def looks(self) -> bool:
        """Whether it looks at the traffic: a drill does not, nor one that only makes a version again."""
        return not {"push", "rebuild"} & self.diary.keys()

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in (OPEN, AWAITING)
