"""Figures that are no mean, such as a macro F1 or a BLEU, with an interval: clusters of rows are drawn again.

A figure here is a function of sums over rows (how often a label was right, replied, wanted), so a draw is a product of
two matrices and two thousand of them take a moment. The interval is the bootstrap's, corrected for bias and for skew
(BCa; Efron 1987, JASA 82:171), with the jackknife over clusters for the latter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.types.report import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Figure = Callable[[Floats], Floats]
"""float64[…, sums] to float64[…, figures]."""
DRAWS = 2000
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Resampled:
    """One figure, and what it would have been on other rows of the same kind."""

    mean: float
    again: Floats
    """float64[draws], in rising order."""
    skew: float
    """Acceleration, by the jackknife."""
    n: int

    def score(self, level: float = 0.95) -> Score:
        """The figure with its two-sided interval; both ends are the figure itself where no draw differs."""
        low, high = (self._at(tail) for tail in ((1 - level) / 2, (1 + level) / 2))
        return Score(mean=self.mean, low=min(low, self.mean), high=max(high, self.mean), n=self.n)

    def p_above(self, bound: float) -> float:
        """p-value of the null hypothesis that the figure is at most `bound`: at most alpha just where the lower end of
        the interval at 1 - 2 alpha lies above it. Never below one over the draws.
        """
        least = 1.0 / len(self.again)
        if self.again[0] == self.again[-1]:
            return least if self.mean > bound else 1.0
        share = float(np.clip((self.again <= bound).mean(), least, 1.0 - least))
        z = float(stats.norm.ppf(share)) - self._bias
        return max(float(stats.norm.cdf(z / (1.0 + self.skew * z) - self._bias)), least)

    @property
    def _bias(self) -> float:
        """Of the median of the draws, in standard deviations; draws that hit the figure itself count half."""
        least = 1.0 / len(self.again)
        share = float((self.again < self.mean).mean() + 0.5 * (self.again == self.mean).mean())
        return float(stats.norm.ppf(np.clip(share, least, 1.0 - least)))

    def _at(self, tail: float) -> float:
        z = self._bias + float(stats.norm.ppf(tail))
        share = float(stats.norm.cdf(self._bias + z / max(1.0 - self.skew * z, 1e-9)))
        return float(np.quantile(self.again, share))


def resampled(
    sums: Floats,
    figure: Figure,
    clusters: Ints | None = None,
    *,
    minus: Floats | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Resampled]:
    """Figures of rows, or, with `minus`, of the same rows under one version less those under another.

    Args:
        sums: float64[rows, sums], what each row adds.
        figure: from sums over rows to figures.
        clusters: int[rows], the rows that belong together; None: each is by itself.
        minus: float64[rows, sums] of the other version.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        ValueError: no rows, or not as many clusters, or not the same rows.
    """
    if not len(sums) or (clusters is not None and len(clusters) != len(sums)):
        raise ValueError(f"{len(sums)} rows")
    if minus is not None and minus.shape != sums.shape:
        raise ValueError(f"{len(sums)} rows beside {len(minus)}: not the same rows")
    both = [_by_cluster(side, clusters) for side in (sums, minus) if side is not None]
    count = len(both[0])

    def told(weights: Floats | None) -> Floats:
        """Figures at weights of the clusters; without any, at each of them left out."""
        found = [figure(side.sum(0) - side if weights is None else weights @ side) for side in both]
        return found[0] if len(found) == 1 else found[0] - found[1]

    rng, again = np.random.default_rng(seed), list[Floats]()
    for start in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - start)
        again.append(told(rng.multinomial(count, np.full(count, 1.0 / count), size).astype(np.float64)))
    drawn, here, without = np.sort(np.concatenate(again), axis=0), told(np.ones((1, count)))[0], told(None)
    return [Resampled(float(here[k]), drawn[:, k], _skew(without[:, k]), len(sums)) for k in range(len(here))]


def _by_cluster(sums: Floats, clusters: Ints | None) -> Floats:
    if clusters is None:
        return sums
    place = np.unique(clusters, return_inverse=True)[1]
    found = np.zeros((int(place.max()) + 1, sums.shape[1]))
    np.add.at(found, place, sums)
    return found


def _skew(without: Floats) -> float:
    """A sixth of the skewness of what each cluster adds."""
    pull = without.mean() - without
    square = float(np.square(pull).sum())
    return float((pull**3).sum() / (6.0 * square**1.5)) if square > 1e-30 and math.isfinite(square) else 0.0
