"""A history of dear models of which only a few were trained: the others told from these and from cheap heads.

Of a model between two that were trained, rows that came after both say how right it would have been: as far on the way
from one to the other as its labels are. Rows that the later one may have learned say nothing of that; there, and after
the last one, a model is as right as the newest trained one, but for what a head of its age does otherwise than one of
the other's. How much of a head's change such a model makes is fitted where both are known. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.decide.replay.history import Floats, Ints
from homeostat.types.report import Score

SHARES = np.linspace(0.0, 1.5, 31)
"""Shares of a head's change that are tried."""
_DRAWS, _SEED = 200, 0
Rights = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How right a model of every age is."""

    right: Rights
    """float32[models, rows] in [0, 1]."""
    share: Score
    """Of a head's change, how much a trained model made, with a 95 % interval from drawing rows anew; `n` is how many
    pairs of trained models it was fitted on, 0 where there was one model: then it is taken to be 1.
    """


def filled(heads: Rights, step: Ints, known: Ints, trained: Mapping[int, Rights]) -> Filled:
    """All models, from the trained ones.

    Args:
        heads: float[models, rows], how right a head of every age is.
        step: int[rows], the step of each row.
        known: int[models], labels that each model knows.
        trained: model -> float[rows] in [0, 1], how right it is; 0 must be among them.
    """
    share = _share(heads, step, trained)
    ages = sorted(trained)
    right = np.zeros(heads.shape, np.float32)
    for i in range(len(heads)):
        since = max(age for age in ages if age <= i)
        later = step >= i
        right[i, later] = _shifted(trained[since], heads[i] - heads[since], share.mean)[later]
        after = min((age for age in ages if age > i), default=None)
        if since == i or after is None:
            continue
        told, way = step >= after, (known[i] - known[since]) / max(1, known[after] - known[since])
        right[i, told] = ((1.0 - way) * trained[since] + way * trained[after])[told]
    return Filled(right=right, share=share)


def _shifted(right: Rights, change: Rights, share: float) -> Rights:
    return np.clip(right + share * change, 0.0, 1.0)


def _share(heads: Rights, step: Ints, trained: Mapping[int, Rights]) -> Score:
    """The share by which the models' mean changes are met best, in least squares over pairs of them."""
    pairs = [(a, b, step >= b) for a, b in combinations(sorted(trained), 2) if (step >= b).any()]
    moved = [(a, b, rows) for a, b, rows in pairs if np.any(heads[b, rows] != heads[a, rows])]
    if not moved:
        return Score(mean=1.0, low=0.0, high=1.5, n=0)
    rng = np.random.default_rng(_SEED)
    misses: Floats = np.zeros((1 + _DRAWS, len(SHARES)))
    for a, b, rows in moved:
        change = heads[b, rows] - heads[a, rows]
        off = np.stack([_shifted(trained[a][rows], change, share) - trained[b][rows] for share in SHARES])
        n = off.shape[1]
        drawn = rng.multinomial(n, np.full(n, 1.0 / n), size=_DRAWS)
        weights = np.vstack([np.ones(n), drawn])
        misses += n * (weights @ off.T / n) ** 2
    best = SHARES[misses.argmin(axis=1)]
    low, high = np.percentile(best[1:], [2.5, 97.5])
    mean = float(best[0])
    return Score(mean=mean, low=min(mean, float(low)), high=max(mean, float(high)), n=len(moved))
