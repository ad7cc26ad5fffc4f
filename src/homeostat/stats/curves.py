"""What a training on more rows would gain, from what trainings on fewer of them gained on the same held-out rows.

A training on no rows gains nothing, so the curve begins at zero; from there it rises and levels off. Three such curves
are fitted, each with a height and a number of rows by which it has risen (an exponential, a hyperbola and a square root
of one: power laws in shifted rows, as in 2402.02314), and what they say is put together, for no three points tell which
is right. The interval is from drawing the held-out rows again, the chance that every training has in it, and which of the
curves it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.intervals import paired
from homeostat.types.report import Score

Floats = NDArray[np.float64]

FACTOR = 4.0
"""Times as many rows as were tried, at most: beyond that a curve says what it was presumed to be."""
LEAST = 3
"""Points of a curve."""
JITTER = 0.015
"""How far a training lies from another one on as many rows (a standard deviation of the metric)."""
DRAWS = 600
FORMS: Mapping[str, Callable[[Floats], Floats]] = {
    "exponential": lambda x: 1.0 - np.exp(-x),
    "hyperbola": lambda x: x / (1.0 + x),
    "root": lambda x: 1.0 - 1.0 / np.sqrt(1.0 + x),
}
"""How far a curve has risen of its height, after so many times its rows; each is 0 at 0 and 1 far out."""
_KNEES = 48
"""Numbers of rows by which a curve has risen that are tried."""


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
    most = 1.0 - weights @ first
    told = np.concatenate([fitted(sizes, gains, wanted, form) for form in FORMS.values()])
    told = np.minimum(told + JITTER * rng.standard_normal(told.shape), np.tile(most, len(FORMS)))
    own = (values - first).mean(axis=1)[None, :]
    mean = min(float(np.mean([fitted(sizes, own, wanted, form)[0] for form in FORMS.values()])), 1.0 - float(first.mean()))
    low, high = np.quantile(told, (0.025, 0.975))
    return Score(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(first))


def _refused(sizes: Sequence[int], values: Floats, first: Floats, wanted: int) -> str:
    """Why nothing is told; empty where something is."""
    if len(sizes) < LEAST:
        return f"{len(sizes)} points are no curve"
    if wanted > FACTOR * sizes[-1]:
        return f"{wanted} rows are more than {FACTOR:g} times the {sizes[-1]} that were tried"
    for a, b in combinations(range(len(sizes)), 2):
        if paired(values[b], values[a]).high < 0.0:
            return f"{sizes[b]} rows gained less than {sizes[a]}, beyond chance: it is no curve that levels off"
    return "" if values[-1].mean() > first.mean() else "it gained nothing"


def fitted(sizes: Sequence[int], gains: Floats, wanted: int, form: Callable[[Floats], Floats]) -> Floats:
    """float[draws]: the gain at `wanted` rows, of the curve of a form through zero that lies nearest to the gains.

    Args:
        sizes: rows of each training.
        gains: float[draws, trainings].
        wanted: rows that are asked about.
        form: one of `FORMS`.
    """
    rows = np.asarray(sizes, np.float64)
    knees = np.geomspace(rows[0] / 4.0, 2.0 * max(float(wanted), rows[-1]), _KNEES)
    risen = form(rows[None, :] / knees[:, None])
    heights = np.maximum(gains @ risen.T, 0.0) / (risen**2).sum(axis=1)
    off = (gains**2).sum(axis=1)[:, None] - 2.0 * heights * (gains @ risen.T) + heights**2 * (risen**2).sum(axis=1)
    best = off.argmin(axis=1)
    return np.asarray(heights[np.arange(len(gains)), best] * form(float(wanted) / knees[best]))
