"""Direct preference optimization: of two replies the better becomes likelier than it was, against the worse (Rafailov
et al. 2023, 2305.18290).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.preference.likelihood import Pairs, Reference, rejected
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Dpo:
    """-log σ(beta × difference of what both gained), and a share of plain likelihood of the better reply."""

    beta: float = knob(0.1, least=0.0)
    """How closely the model is held to what it was."""
    flipped: float = knob(0.0, least=0.0, most=0.49)
    """Share of the pairs that are taken to be the wrong way round (robust DPO, 2403.00409)."""
    sft: float = knob(0.2, least=0.0)
    """Weight of the mean cross-entropy of the better reply, in nats a token, which keeps it from becoming unlikely."""
    weight: float = knob(1.0, least=0.0)

    @property
    def compares(self) -> bool:
        """It reads both replies of a row."""
        return True

    def begin(self, ground: Ground) -> Lesson:
        """Ask the model what it says of all replies before it learns."""
        rows = (*ground.train, *ground.held_out)
        both = [r for s in rows for r in (s.rendered, s.rejected) if r is not None]
        return _Dpo(self, Reference.of(ground, both))


@dataclass(frozen=True, slots=True)
class _Dpo:
    spec: Dpo
    reference: Reference

    @property
    def looked(self) -> Loss:
        """Held-out pairs are measured by the preference alone, taken as it is."""
        return _Dpo(Dpo(beta=self.spec.beta, sft=0.0), self.reference)

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Pairs, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the pairs of the batch."""
        pairs, worse = Pairs.of(step), rejected(step)
        chosen = self.reference.gains(pairs.chosen, [s.rendered for s in step.samples])
        each = preference(self.spec.beta * (chosen - self.reference.gains(pairs.rejected, worse)), self.spec.flipped)
        if self.spec.sft:
            each = each - self.spec.sft * pairs.chosen / pairs.chosen_tokens
        return step.row_mean(each)


def preference(margin: Tensor, flipped: float = 0.0) -> Tensor:
    """float[pairs]: -log σ of float[pairs] margins, unbiased if a share of the pairs is flipped, in nats."""
    right, wrong = -F.logsigmoid(margin), -F.logsigmoid(-margin)
    return ((1 - flipped) * right - flipped * wrong) / (1 - 2 * flipped)
