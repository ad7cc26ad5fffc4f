"""Distillation: the student learns the teacher's whole distribution, on the rows at hand or on what it writes itself.

Soft targets (Hinton et al. 2015, 1503.02531) for labels and for replies; with `on_policy`, generalized knowledge
distillation (Agarwal et al. 2024, 2306.13649): the student is corrected where it goes itself, not where others went.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.load import Opened
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.apart import apart, likeliest
from homeostat.train.objectives.written import written
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_places

UNKNOWN = -16.0
"""Log-probability of a label that a teacher does not know: next to nothing, so that no divergence is endless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """(1 - share) × cross-entropy of the completion + share × temperature² × divergence from the teacher."""

    share: float = knob(0.5, least=0.0, most=1.0)
    """Of the teacher; 1 needs no targets."""
    temperature: float = knob(2.0, least=1e-6)
    """Both distributions are flattened by it, so that what the teacher holds unlikely is learned too."""
    beta: float = knob(0.0, least=0.0, most=1.0)
    """Which divergence: 0 covers all that the teacher says, 1 picks what it says most; see `apart`."""
    top: int = knob(0, least=0)
    """Compare over so many of the teacher's likeliest tokens and the rest as one; 0 for all."""
    on_policy: float = knob(0.0, least=0.0, most=1.0)
    """Share of the steps in which the completions are the student's own."""
    most: int = knob(64, least=1)
    """Most tokens of a completion of its own."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there is a teacher that can be asked.

        Raises:
            UnsuitedModel: there is no teacher, or its vocabulary is another.
        """
        if ground.teacher is None:
            raise UnsuitedModel("there is no teacher to learn from", fix="name one, or use the objective `completion`")
        require_same_words(ground.opened, ground.teacher)
        return _Following(self, ground.teacher, ground.seed)


def heard(ground: Ground, logits: Tensor, heat: float = 1.0) -> Tensor:
    """float[places, k]: log-probabilities of the teacher's logits at a temperature, over what competes in the run.

    A version's labels have codes by their order, which is another in another version: the teacher is asked by its own.
    It gives next to nothing to labels that it does not know.
    """
    if ground.allowed is None or ground.taught is None:
        return (logits if ground.allowed is None else logits[:, ground.allowed]).float().div(heat).log_softmax(-1)
    known = ground.taught >= 0
    told = logits.new_full((len(logits), len(known)), UNKNOWN, dtype=torch.float32)
    told[:, known] = logits[:, ground.taught[known]].float().div(heat).log_softmax(-1)
    return told


def require_same_words(student: Opened, teacher: Opened) -> None:
    """Hold that two models write with the same tokens.

    Raises:
        UnsuitedModel: they do not.
    """
    if student.tokenizer.get_vocab() != teacher.tokenizer.get_vocab():
        fix = "take a teacher of the same family, or learn from replies that it writes"
        raise UnsuitedModel("student and teacher write with other tokens", fix=fix)


@dataclass(frozen=True, slots=True)
class _Following:
    spec: Follow
    teacher: Opened
    seed: int

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by their targets where it learns from them, else by the teacher on them."""
        measure = Follow(share=1.0, temperature=1.0, beta=self.spec.beta, top=self.spec.top)
        return Completion() if self.spec.share < 1.0 else _Following(measure, self.teacher, self.seed)

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Tokens of the completions, by the weight of their rows; of its own completions they are as good as rows."""
        return weigh_places(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the places of the batch."""
        if self._own(step):
            own = written(step, step.samples, most=self.spec.most)
            rows = [Sample(reply, weight=s.weight) for reply, s in zip(own, step.samples, strict=True)]
            return self._divergence(Step(step.ground, rows, step.number))
        told = self.spec.share * self._divergence(step)
        return told + (1.0 - self.spec.share) * Completion()(step) if self.spec.share < 1.0 else told

    def _own(self, step: Step) -> bool:
        """Whether the completions of this step are the student's own; the same for the same step of the same seed."""
        if not self.spec.on_policy or not torch.is_grad_enabled():
            return False
        drawn = torch.rand(1, generator=torch.Generator().manual_seed(1_000_003 * self.seed + step.number))
        return float(drawn) < self.spec.on_policy

    def _divergence(self, step: Step) -> Tensor:
        with torch.no_grad():
            said = step.ground.predict([s.rendered for s in step.samples], self.teacher).logits
        scale = self.spec.temperature
        teacher = heard(step.ground, said, scale)
        student = step.scores.div(scale).log_softmax(-1)
        if self.spec.top:
            student, teacher = likeliest(student, teacher, self.spec.top)
        return scale**2 * step.mean(apart(student, teacher, self.spec.beta))
