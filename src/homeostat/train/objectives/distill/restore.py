"""Repair: what an update has cost is learned again from the model before it, on the words of the one that was updated.

The updated model answers requests itself. On replayed ones the model before it says how it would go on at each place
(on-policy distillation, Agarwal et al. 2024, 2306.13649; after fine-tuning, Lu & Thinking Machines 2025, "On-Policy
Distillation"); on new ones the updated model as it was when the repair began does, so that what was gained is held.
Nothing is learned from replies: requests are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.averaging import Trail
from homeostat.train.objectives.distill.apart import apart
from homeostat.train.objectives.distill.follow import heard, require_same_words
from homeostat.train.objectives.written import written
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Mean over rows of the divergence, a mean over the tokens that the student writes, or that of a row's labels."""

    pull: float = knob(1.0, least=0.0)
    """What a replayed row weighs beside a new one; 0 restores nothing."""
    beta: float = knob(0.5, least=0.0, most=1.0)
    """Which divergence: 0 covers all that the teacher says, 1 picks what it says most; see `apart`."""
    most: int = knob(64, least=1)
    """Most tokens of a reply of its own."""
    weight: float = knob(1.0, least=0.0)

    @property
    def rate(self) -> float:
        """What new rows are held to is the model as it began, of which it takes in nothing."""
        return 0.0

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there is a teacher that can be asked.

        Raises:
            UnsuitedModel: there is no teacher, or its vocabulary is another.
        """
        if ground.teacher is None:
            raise UnsuitedModel("there is no model before it to come back to", fix="use another recipe, as `careful`")
        require_same_words(ground.opened, ground.teacher)
        return _Restoring(self, ground.teacher, ground.trail)


@dataclass(frozen=True, slots=True)
class _Restoring:
    spec: Restore
    teacher: Opened
    trail: Trail | None

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by the same, on the replies that they have."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, by their weight."""
        return sum(self._weight(s) for s in samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the rows of the batch."""
        rows = [s for s in step.samples if self._weight(s)]
        own = self._words(step, rows)
        told = self._told(step.ground, rows, own)
        said = step.ground.predict(own)
        each = apart(_logs(said.logits, step.ground.allowed), told, self.spec.beta)
        weights = torch.tensor([self._weight(s) / len(o.completion) for s, o in zip(rows, own, strict=True)])
        return (each * weights.to(each.device)[said.row]).sum() / self.weigh(rows)

    def _weight(self, sample: Sample) -> float:
        return sample.weight * (self.spec.pull if sample.replay else 1.0)

    def _words(self, step: Step, rows: Sequence[Sample]) -> list[Rendered]:
        """What the student writes itself; what the rows have where it has labels to choose from, and in a look."""
        if step.ground.allowed is not None or not torch.is_grad_enabled():
            return [s.rendered for s in rows]
        return written(step, rows, most=self.spec.most)

    @torch.no_grad()
    def _told(self, ground: Ground, rows: Sequence[Sample], own: Sequence[Rendered]) -> Tensor:
        """float[places, k]: log-probabilities of each row's teacher. Asked before the student, whose gradient needs its
        tensors untouched.
        """
        model = ground.opened.model
        learning = model.training
        model.eval()
        old = [k for k, s in enumerate(rows) if s.replay]
        new = [k for k, s in enumerate(rows) if not s.replay]
        told: dict[int, Tensor] = {}
        if old:
            said = ground.predict([own[k] for k in old], self.teacher).logits
            told |= zip(old, _by_row(heard(ground, said), [own[k] for k in old]), strict=True)
        if new:
            told |= zip(new, _by_row(self._began(ground, [own[k] for k in new]), [own[k] for k in new]), strict=True)
        model.train(learning)
        return torch.cat([told[k] for k in range(len(rows))])

    def _began(self, ground: Ground, own: Sequence[Rendered]) -> Tensor:
        """Of the student as it was before the first step."""
        if self.trail is None:
            return _logs(ground.predict(own).logits, ground.allowed)
        with self.trail.standing_in():
            return _logs(ground.predict(own).logits, ground.allowed)


def _logs(logits: Tensor, allowed: Tensor | None) -> Tensor:
    """float[places, k]: log-probabilities over the tokens that compete."""
    return (logits if allowed is None else logits[:, allowed]).float().log_softmax(-1)


def _by_row(each: Tensor, rows: Sequence[Rendered]) -> list[Tensor]:
    return list(each.split_with_sizes([len(row.completion) for row in rows]))
