"""Noise on what the model reads, in training alone: it should learn words in a neighborhood, not one row of numbers by
heart (NEFTune, Jain et al. 2023, 2310.05914).

It is no loss, and stands among them because a recipe lists what training is disturbed or held by in one place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.llm.trunk import take_trunk
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Uniform noise of at most ±weight / √(tokens × width) on every element of the input embeddings."""

    weight: float = knob(5.0, least=0.0)
    """Alpha of the paper, which tries 5, 10 and 15. Nothing is added to the loss."""

    def begin(self, ground: Ground) -> Noisy:
        """Hook it to the input embeddings; a trunk would keep what the first noise made of a row."""
        take_trunk(ground.opened.model)
        ground.meter.sizes.clear()
        table = ground.opened.model.get_input_embeddings()
        return Noisy(table.register_forward_hook(partial(_disturb, self.weight)))


@dataclass(frozen=True, slots=True)
class Noisy:
    """Noise that is on until it is taken off."""

    hook: Any
    """Torch's handle of the hook."""

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Nothing: it is no part of the loss."""
        return 0.0

    def __call__(self, step: Step) -> Tensor:
        """0."""
        return torch.zeros(())

    def end(self) -> None:
        """Take it off the model."""
        self.hook.remove()


def noise(embedded: Tensor, alpha: float) -> Tensor:
    """Uniform noise shaped as float[..., tokens, width], of at most ±alpha / √(tokens × width).

    `tokens` are those of the longest row of a batch. The length of the noise on such a row is about alpha / √3 then,
    however long it is.
    """
    most = alpha / math.sqrt(embedded.shape[-2] * embedded.shape[-1])
    return torch.empty_like(embedded).uniform_(-most, most)


def _disturb(alpha: float, table: Any, given: tuple[Any, ...], embedded: Tensor) -> Tensor:
    """What goes on from the embeddings: disturbed in a pass that is learned from, as it is in every other."""
    return embedded + noise(embedded, alpha) if table.training and torch.is_grad_enabled() else embedded
