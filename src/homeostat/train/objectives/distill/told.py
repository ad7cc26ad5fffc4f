"""Learning from what a teacher said of the labels, row by row, long before: its answers are kept with the rows.

Soft targets (Hinton et al. 2015, 1503.02531) without the teacher at hand, so it may have another tokenizer, be several
versions, or be elsewhere; a row that nobody has labeled teaches too. Rows without an answer are learned by their label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.train.objectives.distill.apart import apart
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """(1 - share) × cross-entropy of the label + share × temperature² × KL(teacher || student), over the labels."""

    share: float = knob(1.0, least=0.0, most=1.0)
    """Of the teacher's answer, where there is one; the label of a row that only the teacher has seen is its own."""
    temperature: float = knob(2.0, least=1e-6)
    """Both distributions are flattened by it, so that what the teacher holds unlikely is learned too."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """Hold that there are answers, over the labels that the run has.

        Raises:
            UnsuitedModel: there are no labels, no answers, or answers over other labels.
        """
        told = [s.told for s in (*ground.train, *ground.held_out) if s.told]
        if ground.allowed is None or not told:
            fix = "have a teacher answer the rows: `homeostat distill`"
            raise UnsuitedModel("there are no answers of a teacher to learn from", where="objective", fix=fix)
        wrong = [len(each) for each in told if len(each) != len(ground.allowed)]
        if wrong:
            raise UnsuitedModel(f"an answer is over {wrong[0]} labels and the run has {len(ground.allowed)}")
        return _Told(self)


@dataclass(frozen=True, slots=True)
class _Told:
    spec: Told

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by how far from the teacher they are, unflattened."""
        return _Told(Told(share=self.spec.share, temperature=1.0))

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the rows of the batch."""
        scores, heat = step.scores, self.spec.temperature
        answered = torch.tensor([bool(s.told) for s in step.samples], device=scores.device)
        even = (0.0,) * scores.shape[1]
        said = torch.tensor([s.told or even for s in step.samples], device=scores.device, dtype=scores.dtype)
        soft = heat**2 * apart((scores / heat).log_softmax(-1), (said / heat).log_softmax(-1))
        hard = F.cross_entropy(scores, step.right, reduction="none")
        share = self.spec.share * answered
        return step.row_mean(torch.lerp(hard, soft, share.to(scores.dtype)))
