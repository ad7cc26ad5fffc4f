"""Elastic weight consolidation: what mattered for the old holds firm, the rest may move (Kirkpatrick et al. 2016,
1612.00796).

One anchor, as in the online form (Schwarz et al. 2018, 1805.06370): where the run begins. They carry on a decayed sum
of what mattered for earlier tasks, whose rows are gone; here rows of all of them are replayed, and what matters is
measured on these anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from homeostat.train.penalties.l2_pull import Pull, trained
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Ewc:
    """½ Σ F (θ - θ₀)² over the trained tensors θ, which began at θ₀; F is their Fisher information, of mean 1."""

    rows: int = 256
    """Most rows that the Fisher information is taken from: replayed ones, or any where none are."""
    weight: float = 1.0

    def begin(self, ground: Ground) -> Loss:
        """Copy the trained tensors, and measure how much each element matters for what the model says of old rows.

        It takes a step's operations for each row, one row at a time.
        """
        tensors, chance = trained(ground.opened.model), torch.Generator().manual_seed(ground.seed)
        ground.opened.model.eval()  # it matters what the model says, without dropout
        steps = [Step(ground.under([sample]), [sample]) for sample in _some(ground, self.rows)]
        logs = (drawn(step.scores[:, : step.ground.known or None], chance) for step in steps)
        return Pull.of(tensors, evened(fisher(logs, tensors)))


def _some(ground: Ground, most: int) -> list[Sample]:
    """At most so many replayed rows, or rows of any kind where none are, drawn by the seed."""
    rows = [s for s in ground.train if s.replay] or list(ground.train)
    return [rows[k] for k in np.random.default_rng([ground.seed, 4]).permutation(len(rows))[:most]]


def drawn(scores: Tensor, chance: torch.Generator) -> Tensor:
    """The log-probability in nats, a scalar, of a token or label drawn at each place of float[places, k] logits.

    The model draws, not the data: the Fisher information is what the model's own answers would tell of its tensors. The
    places of one reply are drawn given the reply's own tokens, so that one pass is enough.
    """
    logs = scores.log_softmax(-1)
    tokens = torch.multinomial(logs.detach().exp().cpu(), 1, generator=chance)
    return logs.gather(1, tokens.to(logs.device)).sum()


def fisher(logs: Iterable[Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
    """The mean over scalars of their squared gradients, shaped as the tensors.

    Of log-probabilities in nats of what the model draws itself, it is the diagonal of the Fisher information.
    """
    total, count = [torch.zeros_like(tensor) for tensor in tensors], 0
    for log in logs:
        gradients = torch.autograd.grad(log, list(tensors), materialize_grads=True)
        torch._foreach_addcmul_(total, gradients, gradients)
        count += 1
    return [each / max(count, 1) for each in total]


def evened(information: Sequence[Tensor]) -> list[Tensor]:
    """The same, scaled so that the mean over all elements is 1: a weight means the same for every model then."""
    mean = sum(float(each.double().sum()) for each in information) / sum(each.numel() for each in information)
    return [each / mean if mean else each for each in information]
