"""Class-balanced loss: a class counts by the effective number of its rows (Cui et al. 2019, 1901.05555)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.objectives.classes.focal import focal
from homeostat.train.objectives.classes.row_by_row import RowByRow, counts
from homeostat.train.step import Ground, Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """Focal loss, each class weighed by (1 - beta) / (1 - beta^rows), the weights having mean 1 over rows' classes."""

    beta: float = knob(0.999, least=0.0, most=0.999999)
    """0 weighs all classes alike; toward 1, by the inverse of their rows."""
    gamma: float = knob(0.0, least=0.0)
    """Of the focal loss; 0 is cross-entropy."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Count the classes."""
        of_class = balance(counts(ground), self.beta)
        return RowByRow(lambda scores, right: of_class[right] * focal(scores, right, self.gamma))


def balance(rows: Tensor, beta: float) -> Tensor:
    """float[classes]: the weight of each class of float[classes] rows; of those without rows 0, of the others 1 on
    average.
    """
    met = rows > 0
    weights = torch.where(met, (1.0 - beta) / (1.0 - beta ** rows.clamp(min=1.0)), torch.zeros_like(rows))
    return weights * met.sum() / weights.sum()
