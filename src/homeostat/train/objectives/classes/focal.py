"""Focal loss: rows that are right already count less (Lin et al. 2017, 1708.02002)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.objectives.classes.row_by_row import RowByRow
from homeostat.train.step import Ground, Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Focal:
    """-(1 - p)^gamma log p of the right class."""

    gamma: float = knob(2.0, least=0.0)
    """0 is cross-entropy; the higher, the less do easy rows count."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """It keeps nothing."""
        return RowByRow(partial(focal, gamma=self.gamma))


def focal(scores: Tensor, right: Tensor, gamma: float) -> Tensor:
    """float[rows] of scores float[rows, classes] and right classes int64[rows], in nats."""
    logs = scores.log_softmax(-1).gather(1, right[:, None]).squeeze(1)
    return -((1.0 - logs.exp()) ** gamma) * logs
