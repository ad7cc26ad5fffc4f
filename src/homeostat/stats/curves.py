"""What a training on more rows would gain, from what trainings on fewer of them gained on the same held-out rows.

The curve is a power law that levels off, a − b · n^−c, as learning curves are (2402.02314, and many before); three
points cannot tell how soon it does, so the exponents that are usual are put together. Larger trainings count more: they
are nearer to what is asked. The interval is from drawing the held-out rows again, the chance that every training has in
it, and which of the exponents it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.types.report import Z95, Score

Floats = NDArray[np.float64]

FACTOR = 4.0
"""Times as many rows as were tried, at most: beyond that a curve says what it was presumed to be."""
LEAST = 3
"""Points of a curve."""
EXPONENTS = (0.1, 0.25, 0.5)
"""How soon a curve levels off: with the first hardly at all, with the last it has 29 % less left at twice the rows."""
JITTER = 0.025
"""How far a training lies from another one on as many rows (a standard deviation of the metric)."""
DRAWS = 1_000


def reach(
    sizes: Sequence[int], right: Sequence[ArrayLike], before: ArrayLike, wanted: int, *, seed: int = 0
) -> Score | str:
    """The gain of a training on `wanted` rows with its 95 % interval, or why none is told.

    Args:
        sizes: rows of each training, rising.
        right: of each training, how right its replies to the held-out rows are, float[n] in [0, 1].
        before: the same of who is to be surpassed.
        wanted: rows of the training that is asked about.
        seed: of what is drawn; the same gives the same interval.

    Raises:
        ValueError: sizes do not rise, or the held-out rows are not the same.
    """
    values, first = np.array([np.asarray(one, np.float64) for one in right]), np.asarray(before, np.float64)
    if values.shape != (len(sizes), len(first)) or not len(first) or any(b <= a for a, b in pairwise(sizes)):
        raise ValueError(f"{len(sizes)} trainings on {list(sizes)} rows beside values {values.shape} and {first.shape}")
    if why := _refused(sizes, values, first, wanted):
        return why
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(first), np.full(len(first), 1.0 / len(first)), size=DRAWS) / len(first)
    gains = weights @ (values - first).T
    gains += JITTER * rng.standard_normal(gains.shape)
    told = np.concatenate([fitted(sizes, gains, wanted, exponent) for exponent in EXPONENTS])
    told = np.minimum(told + JITTER * rng.standard_normal(told.shape), np.tile(1.0 - weights @ first, len(EXPONENTS)))
    own = (values - first).mean(axis=1)[None, :]
    mean = float(np.mean([fitted(sizes, own, wanted, exponent)[0] for exponent in EXPONENTS]))
    mean, (low, high) = min(mean, 1.0 - float(first.mean())), np.quantile(told, (0.025, 0.975))
    return Score(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(first))


def _refused(sizes: Sequence[int], values: Floats, first: Floats, wanted: int) -> str:
    """Why nothing is told; empty where something is."""
    if len(sizes) < LEAST:
        return f"{len(sizes)} points are no curve"
    if wanted > FACTOR * sizes[-1]:
        return f"{wanted} rows are more than {FACTOR:g} times the {sizes[-1]} that were tried"
    for a, b in combinations(range(len(sizes)), 2):
        rise = values[b] - values[a]
        if rise.mean() + Z95 * math.sqrt(rise.var() / len(rise) + 2.0 * JITTER**2) < 0.0:
            return f"{sizes[b]} rows gained less than {sizes[a]}, beyond chance: it is no curve that levels off"
    return "" if values[-1].mean() > first.mean() else "it gained nothing"


def fitted(sizes: Sequence[int], gains: Floats, wanted: int, exponent: float) -> Floats:
    """float[draws]: where the power law of an exponent that lies nearest to the gains is at `wanted` rows; one that
    would fall is level.

    Args:
        sizes: rows of each training.
        gains: float[draws, trainings].
        wanted: rows that are asked about.
        exponent: how soon it levels off.
    """
    rows = np.asarray(sizes, np.float64)
    heed = rows**2 / (rows**2).sum()
    away = -((rows / rows[-1]) ** -exponent)
    middle, mean = away @ heed, gains @ heed
    rises = (gains - mean[:, None]) @ (heed * (away - middle)) / (heed @ (away - middle) ** 2)
    return np.asarray(mean + np.maximum(rises, 0.0) * (-((wanted / rows[-1]) ** -exponent) - middle))
