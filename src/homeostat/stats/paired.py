"""Tests of two versions on the same rows. One-sided: the p-value is small where the claim in the name holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Share of the error that pays for not knowing how often the two versions disagree (see `noninferiority`), and how many
# rates of disagreement are tried within its interval.
_GAMMA = 1e-4
_RATES = 64


def mcnemar_superiority(wins: int, losses: int) -> float:
    """Exact p-value of "the candidate wins more rows than it loses"; rows on which both agree carry nothing.

    Under the null a row that differs is a win with probability at most one half (McNemar 1947, exact binomial form).
    Valid for one look at a number of rows fixed beforehand.

    Raises:
        ValueError: a negative count.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"{wins} wins and {losses} losses")
    return float(stats.binom.sf(wins - 1, wins + losses, 0.5))


def noninferiority(differences: ArrayLike, margin: float) -> float:
    """p-value of "the mean difference is above -margin", differences being candidate minus champion per row.

    Differences in {-1, 0, 1}: exact and unconditional. The evidence is Tango's score statistic; the p-value is the
    probability of at least this much of it at a true difference of -margin, at the worst rate of disagreement within
    its exact 1 - 1e-4 interval, plus that 1e-4 (Berger and Boos 1994, JASA 89:1012). It never falls below 1e-4.
    Other differences: one-sided Student's t, which needs rows enough for a normal mean.

    Raises:
        ValueError: no rows, fewer than two rows of real-valued differences, or a margin outside [0, 1).
    """
    d = np.asarray(differences, dtype=np.float64).ravel()
    if not len(d) or not 0 <= margin < 1:
        raise ValueError(f"{len(d)} rows and a margin of {margin}")
    if is_trinomial(d):
        return _exact(int((d > 0).sum()), int((d < 0).sum()), len(d), margin)
    return _t_test(d, margin)


def is_trinomial(differences: Floats) -> bool:
    """Whether every difference is -1, 0 or 1: two columns of right or wrong."""
    return bool(np.isin(differences, (-1.0, 0.0, 1.0)).all())


def tango(wins: Ints, losses: Ints, n: int, difference: float) -> Floats:
    """Tango's score statistic of "the true mean is above `difference`" for n paired rows, one value per (win, loss).

    Standard normal at the boundary; its variance is the one most likely under the null, so it is defined even where no
    row differs. Tango 1998, Statistics in Medicine 17:891.
    """
    w, x = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    b = (2 * n - w + x) * difference - w - x
    c = -x * difference * (1 - difference)
    likely_losses = (np.sqrt(np.maximum(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    variance = n * np.maximum(2 * likely_losses + difference * (1 - difference), 0.0)
    excess = w - x - n * difference
    spread = np.sqrt(np.where(variance > 1e-15, variance, np.inf))
    return np.asarray(excess / spread, dtype=np.float64)


def _t_test(d: Floats, margin: float) -> float:
    if len(d) < 2:
        raise ValueError("one real-valued difference says nothing about its spread")
    spread = float(d.std(ddof=1))
    excess = float(d.mean()) + margin
    if spread == 0:
        return 0.0 if excess > 0 else 1.0
    return float(stats.t.sf(excess / (spread / np.sqrt(len(d))), len(d) - 1))


def _exact(wins: int, losses: int, n: int, margin: float) -> float:
    observed = float(tango(np.array([wins]), np.array([losses]), n, -margin)[0])
    low, high = _disagreement(wins + losses, n)
    if high < margin:  # no rate of disagreement that the rows allow can hold a difference of -margin
        return _GAMMA
    rates = np.linspace(max(low, margin), high, _RATES)
    # Numbers of differing rows beyond eight standard deviations of any of these rates weigh nothing.
    slack = 8 * np.sqrt(n * high * (1 - low)) + 8
    differing = np.arange(max(0, int(n * rates[0] - slack)), min(n, int(n * high + slack)) + 1)
    least = _fewest_wins(differing, n, margin, observed)
    chance = stats.binom.pmf(differing[None], n, rates[:, None])
    win = np.clip((1 - margin / np.maximum(rates, 1e-300)) / 2, 0.0, 1.0)
    tail = np.where(least > differing, 0.0, stats.binom.sf(least[None] - 1, differing[None], win[:, None]))
    return float(min(1.0, (chance * tail).sum(axis=1).max() + _GAMMA))


def _disagreement(differing: int, n: int) -> tuple[float, float]:
    """Exact interval of the rate at which the two versions differ."""
    low = float(stats.beta.ppf(_GAMMA / 2, differing, n - differing + 1)) if differing else 0.0
    high = float(stats.beta.ppf(1 - _GAMMA / 2, differing + 1, n - differing)) if differing < n else 1.0
    return low, high


def _fewest_wins(differing: Ints, n: int, margin: float, observed: float) -> Ints:
    """Per number of differing rows, the fewest wins that are as strong evidence as observed, by bisection.

    The statistic rises with the wins at a given number of differing rows. One more than that number if none suffice.
    """
    low, high = np.zeros_like(differing), differing + 1
    while (low < high).any():
        middle = (low + high) // 2
        enough = tango(middle, differing - middle, n, -margin) >= observed - 1e-12
        done = low >= high
        high = np.where(enough & ~done, middle, high)
        low = np.where(~enough & ~done, middle + 1, low)
    return low
