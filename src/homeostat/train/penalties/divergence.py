"""Divergence from the champion's label distribution on old traffic, which protects what was known.

On a small encoder, KL on old inputs kept the most of the old at the least cost of the new, beside EWC, L2-SP and KL on
new inputs; Li & Hoiem (2016, 1606.09282) take it on new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.llm.render import Rendered
from homeostat.train.ask import log_probabilities
from homeostat.train.recollect import recollected
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Mean KL(champion || model) in nats over the labels the champion knew, on replayed rows."""

    weight: float = knob(2.0, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Ask the champion about every replayed row; it is the model itself, but where that began elsewhere."""
        return Held.of(ground, [s for s in ground.train if s.replay])


@dataclass(frozen=True, slots=True)
class Held:
    """What the champion said of rows, which the model is held to."""

    said: dict[Rendered, Tensor]
    """float[labels it knew] by row: log-probabilities in nats."""

    @staticmethod
    def of(ground: Ground, samples: Sequence[Sample]) -> Held:
        """Ask the champion about rows but those of which it has kept what it said; about none where it knows no
        labels.
        """
        asked = [s for s in samples if not s.free] if ground.known else []
        if not asked or ground.allowed is None:
            return Held({})
        champion = ground.champion or ground.opened
        champion.model.eval()  # the model is held to what it answers, without dropout
        kept = recollected(ground, asked)
        rows, known = [s.rendered for s in asked if s.rendered not in kept], ground.allowed[: ground.known]
        said, spent = log_probabilities(champion, rows, known, bfloat16=ground.bfloat16)
        ground.meter.flops += spent
        return Held({**kept, **dict(zip(rows, said, strict=True))})

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows that it said something of."""
        return float(sum(s.rendered in self.said for s in samples))

    def __call__(self, step: Step) -> Tensor:
        """The mean over those rows."""
        held = [k for k, s in enumerate(step.samples) if s.rendered in self.said]
        teacher = torch.stack([self.said[step.samples[k].rendered] for k in held])
        return divergence(step.scores[held], teacher)


def divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """Mean KL(teacher || model) in nats over the labels the teacher knew.

    Args:
        logits: float[rows, labels known now], the old ones first.
        teacher: float[rows, labels known then], log-probabilities.
    """
    known = logits[:, : teacher.shape[1]].float().log_softmax(-1)
    return (teacher.exp() * (teacher - known)).sum(-1).mean() if len(logits) else torch.zeros(())
