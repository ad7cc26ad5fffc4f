"""A head learns one of several labels: cross-entropy of a softmax over its scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.heads.rows import OfHead, required
from homeostat.train.step import Ground, Lesson

FORM = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """Mean cross-entropy over rows, in nats."""

    smoothing: float = knob(0.0, least=0.0, most=1.0)
    """Share of the target that lies evenly on all labels (1512.00567); held-out rows are measured without."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there is a head for it.

        Raises:
            UnsuitedModel: there is none, or a row has no label.
        """
        required(ground, FORM)
        return OfHead(partial(_each, smoothing=self.smoothing), partial(_each, smoothing=0.0))


def _each(scores: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    return F.cross_entropy(scores, wanted[:, 0].long(), reduction="none", label_smoothing=smoothing)
