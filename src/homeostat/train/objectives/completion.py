"""Cross-entropy of the completion's tokens, and of nothing else: supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Mean cross-entropy in nats over the predicted tokens; among the labels alone where a task has some.

    Tokens that do not compete keep their logits: a label that is not known yet is not pushed away before it comes.
    """

    smoothing: float = knob(0.0, least=0.0, most=1.0)
    """Share of the target that lies evenly on everything that competes (Szegedy et al. 2016, 1512.00567)."""
    weight: float = knob(1.0, least=0.0)

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured unsmoothed."""
        return Completion()

    def begin(self, ground: Ground) -> Lesson:
        """It keeps nothing."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Its tokens, by the weight of their rows."""
        return weigh_places(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the tokens of the batch."""
        return step.mean(F.cross_entropy(step.scores, step.right, reduction="none", label_smoothing=self.smoothing))
