"""What losses over a head's scores share: a mean over rows, each of which says what the head should have told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.head import head_of
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step, weigh_rows

EachRow = Callable[[Tensor, Tensor], Tensor]
"""(scores float[rows, names], wanted float[rows, values of a sample]) -> loss float[rows]."""


@dataclass(frozen=True, slots=True)
class OfHead:
    """The mean of a loss over rows, by their weight."""

    each: EachRow
    looks: EachRow | None = None
    """What held-out rows are measured by; None for the same."""
    unbounded: bool = False
    """Whether a row can be as far out as it likes."""

    @property
    def looked(self) -> Loss:
        """What held-out rows are measured by."""
        return OfHead(self.looks or self.each)

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the batch."""
        head = head_of(step.ground.opened.model)
        assert head is not None, "`required` has seen it"
        scores = head(step.predicted)
        wanted = torch.tensor([s.values for s in step.samples], device=scores.device)
        return step.row_mean(self.each(scores, wanted))


def required(ground: Ground, form: str) -> None:
    """Hold that the model has a head of this form, and every row what it should tell.

    Raises:
        UnsuitedModel: it has none, or another, or a row says nothing.
    """
    head = head_of(ground.opened.model)
    if head is None or head.shape.form != form:
        what = f"the objective is for a head that tells {form}, and " + (
            f"this one tells {head.shape.form}" if head else "there is none"
        )
        fix = "train it with `homeostat.train.headed.train_head`"
        raise UnsuitedModel(what, where="recipe.objective", fix=fix)
    values = 1 if form == "label" else len(head.shape.names)
    for sample in (*ground.train, *ground.held_out):
        if len(sample.values) != values:
            what = f"a row has {len(sample.values)} values to learn, not {values}"
            raise UnsuitedModel(what, fix="give every row what it should be told")
