"""Exposure: whether a model has learned a secret by heart, told by its rank among secrets that it might have been.

A canary is a secret drawn at random from many of the same form and planted in what a model learns. Its rank is how
many of the others the model finds as likely or likelier; its exposure log2(N) - log2(rank) in bits, among N (Carlini et
al. 2019, 1802.08232). To a model that never saw it, a canary is as good as any other: its rank is uniform.

All canaries together are one test of that. The sum of -ln(rank / N), which is Fisher's statistic, is at most
Gamma(n, 1) where the ranks are uniform on 1 … N, so its p-value is not too small however few alternatives there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from homeostat.types.report import Score

LEVEL = 0.05
"""Of the test of all canaries together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What canaries tell together."""

    bits: Score
    """Mean exposure with its 95 % interval (normal approximation); about 1.44 bits where nothing was learned."""
    among: int
    """Secrets that each was ranked among, itself included."""
    p: float
    """Of so much exposure, or more, where no canary was ever seen; not too small for being discrete."""
    first: int
    """Canaries that the model finds likelier than every alternative."""
    detects: float
    """The share of canaries learned by heart (rank 1, the others at chance) that is found with probability 0.9."""

    @property
    def above_chance(self) -> bool:
        """Whether something was learned."""
        return self.p < LEVEL


def rank(canary: float, others: ArrayLike) -> int:
    """The place of a canary's log-likelihood among those of alternatives: 1 where none is as likely. A tie counts
    against the canary's being known.

    Raises:
        ValueError: no alternatives, or a likelihood that is not a number.
    """
    values = np.asarray(others, np.float64)
    if not values.size or np.isnan(values).any() or math.isnan(canary):
        raise ValueError("a canary is ranked among numbers, at least one")
    return 1 + int((values >= canary).sum())


def bits(rank: int, among: int) -> float:
    """The exposure of one canary, in bits."""
    return math.log2(among) - math.log2(rank)


def exposed(ranks: Sequence[int], among: int) -> Exposed:
    """The test of all canaries, each with its rank among so many.

    Raises:
        ValueError: no ranks, or one that is not from 1 to `among`.
    """
    if not ranks or among < 2 or not all(1 <= rank <= among for rank in ranks):
        raise ValueError(f"ranks are from 1 to {among}, and there is at least one")
    each = np.array([bits(rank, among) for rank in ranks])
    n, mean = len(each), float(each.mean())
    half = float(stats.norm.isf(0.025) * each.std(ddof=1) / math.sqrt(n)) if n > 1 else math.inf
    return Exposed(
        bits=Score(mean=mean, low=mean - half, high=mean + half, n=n),
        among=among,
        p=float(stats.gamma.sf(float(each.sum()) * math.log(2), n)),
        first=sum(rank == 1 for rank in ranks),
        detects=detectable(n, among),
    )


def power(share: float, n: int, among: int, level: float = LEVEL) -> float:
    """The probability that the test finds something where each of n canaries has been learned by heart with probability
    `share` and is at chance otherwise.
    """
    least = float(stats.gamma.isf(level, n))
    known = np.arange(n + 1)
    rest = least - known * math.log(among)
    found = np.where(rest <= 0, 1.0, stats.gamma.sf(rest, np.maximum(n - known, 1e-9)))
    return float(stats.binom.pmf(known, n, share) @ found)


def detectable(n: int, among: int, level: float = LEVEL, at: float = 0.9) -> float:
    """The least share of canaries learned by heart that is found with probability `at`; 1 where even all are not."""
    low, high = 0.0, 1.0
    if power(1.0, n, among, level) < at:
        return 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, n, among, level) >= at else (middle, high)
    return high
