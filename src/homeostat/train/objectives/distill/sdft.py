"""Self-distillation from demonstrations: a model that sees the right answer teaches the one that does not.

The student writes a reply to the bare request. The teacher is the student itself on a slow average, and reads the
request with a right reply in it. Token by token of the student's own words, the student comes nearer to what the
teacher says there (SDFT, Shenfeld et al. 2026, 2601.19897). What it learns is near to what it would say anyway, so that
less of what it knew has to give way than for words that somebody else wrote.

It can teach no more than the model understands when it is shown: it needs one that learns from its context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.render import Rendered
from homeostat.train.averaging import Trail
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.apart import apart
from homeostat.train.objectives.written import written
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step

TEMPLATE = """{request}

This is how the request was answered well:
{reply}

Answer the request in your own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdft:
    """Mean over rows of the divergence, a mean over the tokens that the student writes."""

    rate: float = knob(0.01, least=0.0, most=1.0)
    """Share of the student that its slow average takes in at each step; 0 keeps the teacher as the model began."""
    beta: float = knob(1.0, least=0.0, most=1.0)
    """Which divergence: 1 is KL(student || teacher), 0 KL(teacher || student); see `apart`."""
    most: int = knob(64, least=1)
    """Most tokens of a reply of its own."""
    template: str = TEMPLATE
    """How a request is shown with a right reply: a text with `{request}` and `{reply}` in it."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there are replies to show.

        Raises:
            UnsuitedModel: the task has labels, which are no words that a model could be shown.
            NothingToTrainOn: no request fits into the context together with its reply.
        """
        if ground.allowed is not None:
            raise UnsuitedModel("`sdft` learns replies in words, not labels", fix="use another objective for labels")
        if not any(sample.shown for sample in ground.train):
            raise NothingToTrainOn(
                "no request fits into half of the model's context together with the reply to it",
                where="recipe.objective",
                fix="take a base with a longer context, a shorter template, or another objective",
            )
        return _Shown(self, ground.trail)


@dataclass(frozen=True, slots=True)
class _Shown:
    spec: Sdft
    trail: Trail | None

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by their replies: what is shown of some should help with others."""
        return Completion()

    @property
    def unbounded(self) -> bool:
        """What is looked at is no divergence: a run has gone astray where replies are far less likely than before."""
        return True

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows that can be shown, by their weight."""
        return sum(s.weight for s in samples if s.shown)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the rows of the batch."""
        rows = [s for s in step.samples if s.shown]
        return self.divergence(step, rows, written(step, rows, most=self.spec.most))

    def divergence(self, step: Step, rows: Sequence[Sample], own: Sequence[Rendered]) -> Tensor:
        """How far the student is from the teacher on these replies."""
        told = self._told(step.ground, [Rendered(s.shown, o.completion) for s, o in zip(rows, own, strict=True)])
        said = step.ground.predict(own)
        each = apart(said.logits.float().log_softmax(-1), told, self.spec.beta)
        sums = torch.zeros(len(rows), device=each.device).index_add(0, said.row, each)
        lengths = torch.tensor([len(o.completion) for o in own], device=each.device)
        weights = torch.tensor([s.weight for s in rows], device=each.device)
        return (sums / lengths * weights).sum() / weights.sum()

    @torch.no_grad()
    def _told(self, ground: Ground, shown: Sequence[Rendered]) -> Tensor:
        """float[places, vocabulary]: log-probabilities of the teacher. Asked before the student, whose gradient needs
        its tensors untouched.
        """
        model = ground.opened.model
        learning = model.training
        model.eval()
        if self.trail is None:
            said = ground.predict(shown)
        else:
            with self.trail.standing_in():
                said = ground.predict(shown)
        model.train(learning)
        return said.logits.float().log_softmax(-1)
