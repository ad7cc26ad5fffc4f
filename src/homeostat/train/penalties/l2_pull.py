"""A pull back to where training began: half the squared distance of the trained tensors (L2-SP, Li et al. 2018,
1802.01483).

Weight decay pulls toward zero, which for a model that knows something is far away; this one pulls toward what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class L2Pull:
    """½ Σ (θ - θ₀)² over the trained tensors θ, which began at θ₀."""

    weight: float = knob(0.1, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Copy the trained tensors."""
        return Pull.of(trained(ground.opened.model))


@dataclass(frozen=True, slots=True)
class Pull:
    """Pulls tensors back to where they began, each element by its strength."""

    tensors: Sequence[Tensor]
    starts: Sequence[Tensor]
    strengths: Sequence[Tensor] = ()
    """Shaped as the tensors; empty where all elements are pulled alike, by 1."""

    @staticmethod
    def of(tensors: Sequence[Tensor], strengths: Sequence[Tensor] = ()) -> Pull:
        """A pull to where the tensors are now."""
        return Pull(tensors, [t.detach().clone() for t in tensors], strengths)

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, which it does not look at: each part of a batch adds its share of the one pull."""
        return float(len(samples))

    def __call__(self, step: Step) -> Tensor:
        """½ Σ strength × (θ - θ₀)², whatever the batch."""
        return pull(self.tensors, self.starts, self.strengths)


def pull(tensors: Sequence[Tensor], starts: Sequence[Tensor], strengths: Sequence[Tensor] = ()) -> Tensor:
    """Half the squared distance between tensors and their starts, a scalar; each element counts by its strength."""
    each = [(tensor - start).square() for tensor, start in zip(tensors, starts, strict=True)]
    if strengths:
        each = [strength * square for strength, square in zip(strengths, each, strict=True)]
    return 0.5 * torch.stack([square.sum() for square in each]).sum()


def trained(model: Any) -> list[Tensor]:
    """The tensors of a model that get a gradient."""
    return [tensor for tensor in model.parameters() if tensor.requires_grad]
