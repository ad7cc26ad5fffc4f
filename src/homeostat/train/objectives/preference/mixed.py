"""Rows of several sorts in one run: labels, replies in words, the better of two replies, each learned in its own way.

Rows count as rows. A mean over all tokens would be that of the replies alone: a label is one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from homeostat.config.schema import knob
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.preference.orpo import Orpo
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Lesson, Loss, Objective, Rating, Step, weigh_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """The mean over rows of what each sort is learned by."""

    alone: Objective = field(default_factory=Completion)
    """What rows with one reply, or a label, are learned by."""
    pairs: Objective = field(default_factory=Orpo)
    """What rows with a better and a worse reply are learned by."""
    weight: float = knob(1.0, least=0.0)

    @property
    def compares(self) -> bool:
        """It reads both replies of a row that has two."""
        return True

    @property
    def rates(self) -> bool:
        """Whether what rows with one reply are learned by reads ratings."""
        return isinstance(self.alone, Rating) and self.alone.rates

    def lacks(self, values: Sequence[float]) -> str:
        """What that misses."""
        return self.alone.lacks(values) if isinstance(self.alone, Rating) else ""

    def begin(self, ground: Ground) -> Lesson:
        """Make both ready, each on its own rows."""
        alone, pairs = self.alone.begin(_of(ground, two=False)), self.pairs.begin(_of(ground, two=True))
        return _Mixed(alone, pairs, _Mixed(alone.looked, pairs.looked))


def _of(ground: Ground, *, two: bool) -> Ground:
    """The ground with the rows alone that have two replies, or have one."""
    learned, held = ([s for s in some if (s.rejected is not None) == two] for some in (ground.train, ground.held_out))
    return replace(ground.under(learned) if two else ground, train=learned, held_out=held)


@dataclass(frozen=True, slots=True)
class _Mixed:
    alone: Loss
    pairs: Loss
    measure: _Mixed | None = None

    @property
    def looked(self) -> Loss:
        """Held-out rows are measured by what their sort is measured by."""
        return self.measure or self

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, by their weight."""
        return weigh_rows(samples)

    def __call__(self, step: Step) -> Tensor:
        """The mean over the rows of the batch, which are of one sort."""
        return (self.alone if step.samples[0].rejected is None else self.pairs)(step)
