"""Rare labels more often than they come, frequent ones less often.

Between all labels alike and rows as they come lies the root (Mahajan et al. 2018, 1805.00932; compared in Kang et al.
2020, 1910.09217). It repeats rare rows, which a large model learns by heart. The objective `Adjusted` reaches the same
aim with every row once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from homeostat.train.order.draw import Floats, Offer
from homeostat.train.step import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """Rows are drawn in reverse to how frequent their completion is."""

    power: float = 1.0
    """1 draws all labels alike; 0.5 by the root of their frequency; 0 as they come."""

    def begin(self, ground: Ground) -> Offer:
        """Count the completions."""
        completions = [s.rendered.completion for s in ground.train]
        counts = Counter(completions)
        weights = np.array([counts[c] ** -self.power for c in completions])
        return Constant(weights / weights.mean())


@dataclass(frozen=True, slots=True)
class Constant:
    """The same all the time."""

    weights: Floats
    """float64[rows]"""

    @property
    def until(self) -> float:
        """Nothing changes."""
        return 0.0

    def __call__(self, share: float) -> Floats:
        """The weights."""
        return self.weights
