"""A silence: alerts that nobody wants to be told of for a while, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Keeps alerts that match it from being told. They are written down all the same."""

    id: str
    time: float
    """From when."""
    until: float
    """It ends by itself then."""
    why: str
    task: str = ""
    """Alerts of this task; empty for every task."""
    kind: str = ""
    """Alerts of this kind; empty for every kind."""
    slice: str = ""
    """Alerts of this slice; empty for every slice."""

    def holds(self, now: float) -> bool:
        """Whether it is in force."""
        return self.time <= now < self.until
