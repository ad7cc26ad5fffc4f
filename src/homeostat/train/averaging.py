"""An exponential moving average of the trained tensors: less noise than the last step, for the price of a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

LEAD = 10
"""The average of an early step spans a tenth of the steps so far, so that where the run began is soon forgotten."""


@dataclass(slots=True)
class Average:
    """Follows tensors while they are trained (Polyak & Juditsky 1992; as an average in training, 1803.05407)."""

    decay: float
    """Share of the average that a step keeps; 0 for no average: then the tensors stand for themselves."""
    tensors: list[Tensor] = field(default_factory=list)
    """The average; empty where there is none."""
    lead: int = LEAD
    """0 for one that keeps its share from the first step on and so does not soon forget where it began."""

    @staticmethod
    def of(parameters: Sequence[Tensor], decay: float, lead: int = LEAD) -> Average:
        """An average that begins at these tensors."""
        return Average(decay, [p.detach().clone() for p in parameters] if decay else [], lead)

    @torch.no_grad()
    def follow(self, parameters: Sequence[Tensor], step: int) -> None:
        """Take in the tensors after `step` steps."""
        if self.decay:
            share = 1.0 - min(self.decay, step / (step + self.lead))
            torch._foreach_lerp_(self.tensors, [p.detach() for p in parameters], share)

    @contextmanager
    def standing_in(self, parameters: Sequence[Tensor]) -> Iterator[None]:
        """The average in the place of the tensors, which come back afterwards."""
        if not self.decay:
            yield
            return
        own = [p.detach().clone() for p in parameters]
        write(parameters, self.tensors)
        try:
            yield
        finally:
            write(parameters, own)


@dataclass(frozen=True, slots=True)
class Trail:
    """What a model is on a slow average, beside what it is: it has not yet taken in what was learned last."""

    average: Average
    parameters: Sequence[Tensor]
    """The tensors that it follows."""

    def standing_in(self) -> AbstractContextManager[None]:
        """The model as it is on average, until the block ends."""
        return self.average.standing_in(self.parameters)


@torch.no_grad()
def write(parameters: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Put values into the tensors of a model."""
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
