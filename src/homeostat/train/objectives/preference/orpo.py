"""Odds-ratio preference optimization: learn the better reply, and raise its odds against the worse; it needs no model
to be held to (Hong et al. 2024, 2403.07691).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.config.schema import knob
from homeostat.train.objectives.preference.likelihood import Pairs
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Step, weigh_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Orpo:
    """Cross-entropy of the better reply's tokens - ratio × log σ(log of the odds ratio)."""

    ratio: float = knob(0.1, least=0.0)
    """Weight of the odds ratio (lambda in the paper)."""
    weight: float = knob(1.0, least=0.0)

    @property
    def compares(self) -> bool:
        """It reads both replies of a row."""
        return True

    @property
    def looked(self) -> Loss:
        """Itself."""
        return self

    def begin(self, ground: Ground) -> Lesson:
        """It keeps nothing."""
        return self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Pairs, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the pairs of the batch."""
        pairs = Pairs.of(step)
        odds = log_odds(pairs.chosen / pairs.chosen_tokens) - log_odds(pairs.rejected / pairs.rejected_tokens)
        learned = -(pairs.chosen * step.weights).sum() / (pairs.chosen_tokens * step.weights).sum()
        return learned - self.ratio * step.row_mean(F.logsigmoid(odds))


def log_odds(logs: Tensor) -> Tensor:
    """log(p / (1 - p)) of log p, exact for small and for large p; p of 1 is taken for the largest number below it.

    Both branches are computed and have a gradient, so each is given only what it can bear.
    """
    logs = logs.clamp(max=-torch.finfo(logs.dtype).eps)
    large = logs > -0.693
    above = torch.log(-torch.expm1(logs.where(large, -0.693)))
    return logs - torch.where(large, above, torch.log1p(-logs.where(~large, -0.693).exp()))
