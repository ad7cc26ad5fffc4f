"""A head learns numbers: squared errors, or Huber's, which grow no faster than the error where that is large (Huber
1964, Annals of Mathematical Statistics 35:73).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.heads.rows import OfHead, required
from homeostat.train.step import Ground, Lesson

FORM = "numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """Mean error over rows and numbers, measured in the numbers' spread."""

    delta: float | None = knob(None, least=1e-6)
    """Error from which the loss grows in a straight line (Huber's); 1 where some numbers are wrong. None for none."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there is a head for it.

        Raises:
            UnsuitedModel: there is none, or a row has no numbers.
        """
        required(ground, FORM)
        each = _squared if self.delta is None else partial(_huber, delta=self.delta)
        return OfHead(each, unbounded=True)


def _squared(scores: Tensor, wanted: Tensor) -> Tensor:
    return ((scores - wanted) ** 2).mean(1)


def _huber(scores: Tensor, wanted: Tensor, delta: float) -> Tensor:
    return F.huber_loss(scores, wanted, reduction="none", delta=delta).mean(1)
