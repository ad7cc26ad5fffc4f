"""A turn: one trip round the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One trip round the loop and its diary: which step left which noun."""

    id: str
    task: str
    time: float
    state: str = "open"
    """`open`, then the name of the step that ended it, or `failed` where none did."""
    because: str = ""
    diary: Mapping[str, str] = field(default_factory=dict)
    """Step -> id of the noun it left."""
