"""A version that is attacked along the gradients of another model: the control of attacks that are guided by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.loop.asking.attack import OnVersion


@dataclass(frozen=True, slots=True)
class Misled:
    """A version whose gradients are another's."""

    own: OnVersion
    guide: OnVersion

    def told(self, texts: Sequence[str], right: Sequence[str]) -> Any:
        """What the version says."""
        return self.own.told(texts, right)

    def foresee(self, texts: Sequence[str], right: Sequence[str], others: Sequence[Sequence[str]]) -> Any:
        """What the other would."""
        return self.guide.foresee(texts, right, others)
