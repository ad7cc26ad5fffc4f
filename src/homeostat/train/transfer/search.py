"""Weights of a sum of adapters, found on held-out rows: for all layers together, and for each block apart.

As LoraHub (Huang et al. 2023, 2307.13269) composes adapters from a few examples without a gradient; here a step up or
down along one weight at a time, halved when none helps, which needs few measurements where adapters are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from homeostat.train.transfer.merge import Weights, block, weighted_sum
from homeostat.train.transfer.product import Adapter

Measure = Callable[[Adapter], float]
"""The loss of an adapter on held-out rows."""
STEPS = (0.5, 0.25, 0.125)
"""How far a weight is moved at a time, from coarse to fine."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    weights: Weights
    loss: float
    """What it was measured by, on the rows that it was chosen on: too good for others, the more so the more weights."""
    mean: float
    """The loss of what it began at, the plain mean as a rule, on the same rows; never below `loss`."""
    asked: int
    """Measurements made."""


def search(
    adapters: Sequence[Adapter],
    measure: Measure,
    *,
    by_block: bool = False,
    rank: int | None = None,
    most: int = 200,
    start: Weights | None = None,
) -> Found:
    """The weights of `weighted_sum` that lose the least, beginning at the mean; they may be negative or above 1.

    Args:
        adapters: of one base.
        measure: the loss of a sum; lower is better.
        by_block: go on with weights of each block's own, from what is best for all; for hundreds of rows, not dozens.
        rank: of every sum that is measured; None for exact ones.
        most: measurements after which it ends with the best so far.
        start: weights to begin at, in place of the mean.
    """
    descent = _Descent(adapters, measure, rank, most, start or Weights.equal(len(adapters)))
    for step in STEPS:
        descent.settle("", step)
    for name in _blocks(adapters) if by_block else ():
        for step in STEPS[1:]:
            descent.settle(name, step)
    return Found(descent.best, descent.loss, descent.mean, descent.asked)


class _Descent:
    """The best weights so far."""

    def __init__(
        self, adapters: Sequence[Adapter], measure: Measure, rank: int | None, most: int, start: Weights
    ) -> None:
        self.adapters, self.measure, self.rank, self.most = adapters, measure, rank, most
        self.best, self.asked = start, 1
        self.loss = self.mean = measure(weighted_sum(adapters, start, rank))

    def settle(self, name: str, step: float) -> None:
        """Move the weights of a block, or those of every layer, until no step of this length helps."""
        moved = True
        while moved:
            moved = False
            for k in range(len(self.adapters)):
                up = self._go(name, k, step)
                moved = up or self._go(name, k, -step) or moved

    def _go(self, name: str, k: int, step: float) -> bool:
        """Move one weight as long as it helps; whether it did."""
        helped = False
        while self.asked < self.most and self._try(self._moved(name, k, step)):
            helped = True
        return helped

    def _moved(self, name: str, k: int, step: float) -> Weights:
        own = list(self.best.blocks.get(name, self.best.every))
        own[k] += step
        if name:
            return replace(self.best, blocks={**self.best.blocks, name: tuple(own)})
        return replace(self.best, every=tuple(own))

    def _try(self, weights: Weights) -> bool:
        """Whether it is better, in which case it is the best."""
        loss = self.measure(weighted_sum(self.adapters, weights, self.rank))
        self.asked += 1
        if not loss < self.loss:
            return False
        self.best, self.loss = weights, loss
        return True


def _blocks(adapters: Sequence[Adapter]) -> list[str]:
    return sorted({block(name) for adapter in adapters for name in adapter.layers})
