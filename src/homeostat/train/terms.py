"""What a run minimizes: the objective and the penalties of a job, on parts of its batches and on the rows of its looks.

For whoever takes the steps: the loop that trains (`train.fit`), and the range test that asks for a rate
(`train.sweep.rising`). Both have the same gradients of a batch, or the second would tell of another training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.llm.batches import passes
from homeostat.train.averaging import Average, Trail
from homeostat.train.job import Job
from homeostat.train.samples import Sample, alike
from homeostat.train.step import Ending, Ground, Loss, Step, Trailed


@dataclass(frozen=True, slots=True)
class Terms:
    """The parts of the loss, ready for the steps of one run."""

    ground: Ground
    each: Sequence[tuple[float, Loss]]
    """Parts with their weights in the sum, the objective first."""
    measure: Loss
    """What is looked at on held-out rows."""
    trail: Average
    """The slow average that an objective asks, to be followed after every step; none of tensors where none does."""

    @staticmethod
    def of(job: Job) -> Terms:
        """Make them ready before the first step, while the model is still what it starts from."""
        recipe, ground = job.recipe, job.ground
        trailing = 1.0 - recipe.objective.rate if isinstance(recipe.objective, Trailed) else 0.0
        trail = Average.of(job.parameters, trailing, lead=0)
        ground.trail = Trail(trail, job.parameters) if trailing else None
        learned = recipe.objective.begin(ground)
        held = [(term.weight, term.begin(ground)) for term in recipe.penalties if term.weight]
        return Terms(ground, [(recipe.objective.weight, learned), *held], learned.looked, trail)

    def on(self, part: Sequence[Sample], batch: Sequence[Sample], number: int) -> Tensor | None:
        """What a part of a batch, rows of one sort, adds to the batch's loss; None where no term looks at any of it.

        Args:
            part: rows that are answered alike (`samples.alike`).
            batch: all rows of the step, of which the terms take the mean.
            number: which step of the run it is, from 0.
        """
        step = Step(self.ground.under(part), part, number)
        shares = [(weight, loss, loss.weigh(part)) for weight, loss in self.each]
        losses = [weight * (own / loss.weigh(batch)) * loss(step) for weight, loss, own in shares if own]
        return torch.stack(losses).sum() if losses else None

    def measured(self, seen: Sequence[Sample], number: int) -> float:
        """The mean of what is looked at on rows, by rising length, after so many steps."""
        total = count = 0.0
        for sort in alike(seen):
            for at in passes([s.length for s in sort], self.ground.opened.model.device):
                some = sort[at]
                share, ground = self.measure.weigh(some), self.ground.under(some)
                total += float(self.measure(Step(ground, some, number))) * share if share else 0.0
                count += share
        return total / count

    def end(self) -> None:
        """Take off the model what the parts have put on."""
        for _, loss in self.each:
            if isinstance(loss, Ending):
                loss.end()
