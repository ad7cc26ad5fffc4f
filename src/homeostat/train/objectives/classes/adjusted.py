"""Logit adjustment: scores are raised by the logarithm of how frequent a class is while it is learned, so that rare
classes must be told apart by a margin; without the raise, the model is right on all classes alike (Menon et al. 2021,
2007.07314).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.classes.row_by_row import RowByRow, counts
from homeostat.train.step import Ground, Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """Cross-entropy of scores + tau × log of the classes' shares."""

    tau: float = knob(1.0, least=0.0)
    """1 makes the mean of the classes' errors least; 0 that of the rows."""
    smoothing: float = knob(1.0, least=0.0)
    """Rows that every class is taken to have more than it has: a class without any has a logarithm too."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Count the classes."""
        rows = counts(ground) + self.smoothing
        raised = self.tau * torch.log(rows / rows.sum())
        return RowByRow(lambda scores, right: F.cross_entropy(scores + raised, right, reduction="none"))
