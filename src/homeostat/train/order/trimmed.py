"""The hardest rows are left out: among those that a model finds least likely, wrong labels are dense.

Wrong labels are learned late, so their loss is high for a model that has learned the rest (Shen and Sanghavi 2019,
1810.11874). That model is the champion the run goes on from, or, as teacher, one trained on the same rows before. A
model that knows nothing of the labels yet finds all rows alike, and what is left out is left out by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from homeostat.config.schema import knob
from homeostat.train.order.difficulty import Difficulty, Loss
from homeostat.train.order.draw import Offer
from homeostat.train.order.imbalance import Constant
from homeostat.train.step import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """All rows alike, but for the hardest of every label, which are never drawn."""

    share: float = knob(0.02, least=0.0, most=0.99)
    """Share of the rows that is left out: garbled ones by default, as many as are wrong where that is known."""
    difficulty: Difficulty = field(default_factory=Loss)

    def begin(self, ground: Ground) -> Offer:
        """Measure the rows. Labels are trimmed each by itself: all rows of one that is new are hard. Replies in words
        are trimmed together.
        """
        hardness = self.difficulty.of(ground)
        labels = [ground.class_of(s) for s in ground.train]
        weights = np.ones(len(labels))
        for label in dict.fromkeys(labels):
            own = np.array([k for k, one in enumerate(labels) if one == label])
            left = len(own) - int(self.share * len(own))
            weights[own[np.argsort(hardness[own], kind="stable")[left:]]] = 0.0
        return Constant(weights)
