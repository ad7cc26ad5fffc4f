"""Kahneman–Tversky optimization: replies that were liked become likelier than the rest has become, those that were not
less likely; a thumb is enough, no pair is needed (Ethayarajh et al. 2024, 2402.01306).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.llm.render import Rendered
from homeostat.train.objectives.preference.likelihood import Reference, likelihoods
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_rows

LIKED = 0.5
"""A reply worth more than this was liked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kto:
    """w (1 - σ(±beta × (what a reply gained - what replies gained to requests that they do not belong to)))."""

    beta: float = knob(0.1, least=0.0)
    """How closely the model is held to what it was."""
    liked: float = knob(1.0, least=0.0)
    """Weight of liked replies; by the paper, liked × their number lies between 1 and 4/3 of the same of the others."""
    disliked: float = knob(1.0, least=0.0)
    weight: float = knob(1.0, least=0.0)

    @property
    def rates(self) -> bool:
        """It reads which replies were liked."""
        return True

    def lacks(self, values: Sequence[float]) -> str:
        """One of the two kinds of thumbs, if there is one alone."""
        liked = sum(value > LIKED for value in values)
        if liked == len(values):
            return f"none of {liked} replies was rated {LIKED} or less, and `kto` learns from disliked ones as well"
        return "" if liked else f"none of {len(values)} replies was rated over {LIKED}, and `kto` learns from both"

    def begin(self, ground: Ground) -> Lesson:
        """Ask the model what it says of all replies, at home and elsewhere, before it learns."""
        elsewhere = {**_astray(ground.train), **_astray(ground.held_out)}
        rows = [s.rendered for s in (*ground.train, *ground.held_out)]
        return _Kto(self, Reference.of(ground, [*rows, *elsewhere.values()]), elsewhere)


def _astray(samples: Sequence[Sample]) -> dict[Rendered, Rendered]:
    """Each row with the completion of the one before."""
    rows = [s.rendered for s in samples]
    turned = [*rows[-1:], *rows[:-1]]
    return {row: Rendered(row.prompt, other.completion) for row, other in zip(rows, turned, strict=True)}


@dataclass(frozen=True, slots=True)
class _Kto:
    spec: Kto
    reference: Reference
    elsewhere: dict[Rendered, Rendered]

    @property
    def looked(self) -> Loss:
        """Itself."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Replies, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the replies of the batch."""
        rows = [s.rendered for s in step.samples]
        gains = self.reference.gains(likelihoods(step.predicted, len(rows)), rows)
        each = prospect(
            gains, torch.tensor([s.value > LIKED for s in step.samples]), self._drift(step, rows), self.spec
        )
        return step.row_mean(each)

    @torch.no_grad()
    def _drift(self, step: Step, rows: Sequence[Rendered]) -> Tensor:
        """What replies gained on average where they do not belong: an estimate of how far the model has moved."""
        astray = [self.elsewhere[row] for row in rows]
        now = likelihoods(step.ground.predict(astray), len(astray))
        return self.reference.gains(now, astray).mean().clamp(min=0.0)


def prospect(gains: Tensor, liked: Tensor, drift: Tensor, spec: Kto) -> Tensor:
    """float[rows]: the loss of what float[rows] replies gained, of which bool[rows] were liked."""
    sign = torch.where(liked.to(gains.device), 1.0, -1.0)
    weight = torch.where(sign > 0, spec.liked, spec.disliked)
    return weight * (1.0 - torch.sigmoid(spec.beta * sign * (gains - drift)))
