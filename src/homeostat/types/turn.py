"""A turn: one trip round the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OPEN, AWAITING = "open", "awaiting approval"
"""States of a turn that has not ended: somebody works on it; it wants to retrain or to release, and a person has to say
so first."""
APPROVAL, SIGNED = "approval", "signed"
"""Entries of the diary that say who has approved or rejected the retraining, or the release, and why."""
ASKED = "asked"
"""Entry that says who asked for the turn by `homeostat turn`; there is none where it opened by itself."""
SIGN = "sign"
"""Entry that names the candidate whose release somebody has to sign off; empty where nobody has to."""


PUSHED, GIVEN, REBUILT, DIVIDED = "push", "given", "rebuild", "split"
"""Entries of the diary by which a drill, a trial of a version that somebody brought, the making of a version without
rows that were erased, and a split of the traffic are told from a turn."""


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
    def story(self) -> str:
        """What it is: a `turn` of the loop, a `drill`, a `trial` of a version that somebody brought, a `rebuild` of the
        champion without rows that were erased, or a `split` of the traffic.
        """
        told = {PUSHED: "drill", GIVEN: "trial", REBUILT: "rebuild", DIVIDED: "split"}
        return next((story for entry, story in told.items() if entry in self.diary), "turn")

    @property
    def wanted(self) -> str:
        """The entry of the diary that a person's word goes into, where one is awaited: about the release where the turn
        has come to that, else about the retraining.
        """
        return SIGNED if self.diary.get(SIGN) else APPROVAL

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in (OPEN, AWAITING)
