"""What losses over classes share: a loss for each row, and how often each class was met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import places
from homeostat.train.objectives.completion import Completion
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step, weigh_places

EachRow = Callable[[Tensor, Tensor], Tensor]
"""(scores float[rows, classes], right int64[rows]) -> loss float[rows], in nats."""


@dataclass(frozen=True, slots=True)
class RowByRow:
    """The mean of a loss over rows, by their weight."""

    each: EachRow

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by cross-entropy, a proper score, which a loss that weighs rows is not."""
        return Completion()

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, by their weight: a class is one token. Of replies in words, their tokens."""
        return weigh_places(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the batch; replies in words, which rows of another task have, are learned token by token."""
        if step.ground.allowed is None:
            return Completion()(step)
        return step.mean(self.each(step.scores, step.right))


def counts(ground: Ground) -> Tensor:
    """float[classes]: rows of each class among those that are trained on, by their weight; replies in words, which rows
    of another task have, are of none.

    Raises:
        UnsuitedModel: the task has no classes.
    """
    if ground.allowed is None:
        raise UnsuitedModel("a loss over classes on a task without labels", fix="use the objective `completion`")
    device = ground.allowed.device
    found = torch.zeros(len(ground.allowed), device=device)
    rows = [s for s in ground.train if not s.free]
    right = places(torch.tensor([s.rendered.completion[0] for s in rows], device=device), ground.allowed)
    return found.index_add_(0, right, torch.tensor([s.weight for s in rows], device=device))
