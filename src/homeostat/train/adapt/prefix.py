"""A learned prefix: keys and values in every layer, before those of everything that is read (prefix tuning, Li & Liang
2021, 2101.00190).

It begins at what the words of the task become in the model, which is why the network that the authors train it through
for a calmer beginning is left out. Nothing is read before a request, only attended to; 2 × layers × `count` × the width
of the keys are learned, so more than by `prompt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from homeostat.llm.lead import Lead, States
from homeostat.train.adapt.before import Before


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix(Before):
    """Keys and values alone, for decoders."""

    kind: ClassVar[str] = "prefix"

    @property
    def lead(self) -> type[Lead]:
        """Keys and values."""
        return States

    def made(self, model: Any, rows: Tensor) -> Lead:
        """What the rows become."""
        return States.of(model, rows)
