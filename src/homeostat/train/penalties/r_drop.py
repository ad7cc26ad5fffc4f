"""Two passes over the same rows, with different dropout, should say the same (R-Drop, Liang et al. 2021, 2106.14448).

The authors take the objective's mean over both passes as well; here it is that of the first alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step, weigh_places


@dataclass(frozen=True, slots=True, kw_only=True)
class RDrop:
    """Mean over the predicted tokens of the symmetric divergence between two passes, in nats.

    A step takes about twice as long. In a model without dropout, and without noise, the passes do not differ.
    """

    weight: float = knob(1.0, least=0.0)
    """Half of the paper's alpha, which stands beside the sum of both passes: 2.5 for its translations, at most 0.5 for
    its labels."""

    def begin(self, ground: Ground) -> Loss:
        """It keeps nothing."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Predicted tokens, by the weight of their rows."""
        return weigh_places(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the batch, of which a second pass is made."""
        again = Step(step.ground, step.samples, step.number)
        return step.mean(apart(step.scores, again.scores))


def apart(one: Tensor, other: Tensor) -> Tensor:
    """float[places]: ½ KL(one || other) + ½ KL(other || one) in nats, of float[places, k] logits each."""
    logs, others = one.log_softmax(-1), other.log_softmax(-1)
    return 0.5 * ((logs.exp() - others.exp()) * (logs - others)).sum(-1)
