"""Easy rows first, and more and more of the others, in a warm-up; then all alike.

A lasting gain was found where easy rows are a warm-up, and none where they order the whole run (2506.11300). On little
clean data expect nothing. Where difficulty goes with the label, the labels that come late are learned late.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from homeostat.config.schema import knob
from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.train.order.difficulty import Difficulty, Length
from homeostat.train.order.draw import Floats, Offer
from homeostat.train.step import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Curriculum:
    """The easiest share of the rows, which grows until all are eligible."""

    difficulty: Difficulty = field(default_factory=Length)
    pacing: str = knob("competence", among=("linear", "root", "competence"))
    """How the share grows: `linear`, `root`, or by `competence` (Platanios et al. 2019, 1903.09848)."""
    least: float = knob(0.1, least=0.0, most=1.0)
    """Share of the rows that are eligible at the first step."""
    warm_up: float = knob(0.25, least=0.0, most=1.0)
    """Share of the run after which all rows are."""
    hardest_first: bool = False
    """The other way round: the anti-curriculum, a control."""

    def begin(self, ground: Ground) -> Offer:
        """Rank the rows, those that are as hard as each other at random.

        Raises:
            UnknownPlugin: there is no such pacing.
        """
        if self.pacing not in PACINGS:
            fix = did_you_mean(self.pacing, PACINGS)
            raise UnknownPlugin(f"unknown pacing '{self.pacing}'", where="recipe.order", fix=fix)
        hardness = self.difficulty.of(ground) * (-1 if self.hardest_first else 1)
        chance = np.random.default_rng([ground.seed, 4]).random(len(hardness))
        ranks = np.empty(len(hardness))
        ranks[np.lexsort((chance, hardness))] = np.arange(len(hardness)) / len(hardness)
        return Opening(ranks, self.warm_up, self.least, PACINGS[self.pacing])


@dataclass(frozen=True, slots=True)
class Opening:
    """Rows by rank, of which more and more are eligible."""

    ranks: Floats
    """float64[rows]: which share of the rows comes before each."""
    until: float
    least: float
    pacing: Callable[[float, float], float]

    def __call__(self, share: float) -> Floats:
        """1 for rows that are eligible, 0 for the others; the first one always is."""
        done = min(share / self.until, 1.0) if self.until else 1.0
        return np.where((self.ranks < self.pacing(done, self.least)) | (self.ranks == 0), 1.0, 0.0)


def _linear(done: float, least: float) -> float:
    return least + (1 - least) * done


def _root(done: float, least: float) -> float:
    return least + (1 - least) * math.sqrt(done)


def _competence(done: float, least: float) -> float:
    """New rows come at the rate at which those before them have been learned: in reverse to how many there are."""
    return min(1.0, math.sqrt(done * (1 - least**2) + least**2))


PACINGS = {"linear": _linear, "root": _root, "competence": _competence}
"""(share of the warm-up that is done, share at its beginning) -> share of the rows."""
