"""A head learns tags, of which none, one or several hold: binary cross-entropy of each."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.heads.rows import OfHead, required
from homeostat.train.step import Ground, Lesson

FORM = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """Mean over rows and tags, in nats."""

    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there is a head for it.

        Raises:
            UnsuitedModel: there is none, or a row does not say which tags hold.
        """
        required(ground, FORM)
        return OfHead(_each)


def _each(scores: Tensor, wanted: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").mean(1)
