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

from homeostat.decide.replay.history import Ints
from homeostat.types.report import Score

MOST = 1.5
"""Most of a head's change that a model is taken to make."""
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
        change = heads[i, later] - heads[since, later]
        right[i, later] = _shifted(trained[since][later], share.mean * change, step[later])
        after = min((age for age in ages if age > i), default=None)
        if since == i or after is None:
            continue
        told, way = step >= after, (known[i] - known[since]) / max(1, known[after] - known[since])
        right[i, told] = ((1.0 - way) * trained[since] + way * trained[after])[told]
    return Filled(right=right, share=share)


def _shifted(right: Rights, change: Rights, step: Ints) -> Rights:
    """Rows whose mean in each step is changed by that of `change`, between 0 and 1: a part of what was wrong becomes
    right, or of what was right wrong.
    """
    rows = np.maximum(np.bincount(step), 1)
    mean = np.bincount(step, right) / rows
    moved = np.clip(mean + np.bincount(step, change) / rows, 0.0, 1.0) - mean
    wins = np.divide(moved, 1.0 - mean, out=np.zeros_like(moved), where=(moved > 0) & (mean < 1.0))[step]
    loses = np.divide(moved, mean, out=np.zeros_like(moved), where=(moved < 0) & (mean > 0.0))[step]
    return np.asarray(right + wins * (1.0 - right) + loses * right)


def _share(heads: Rights, step: Ints, trained: Mapping[int, Rights]) -> Score:
    """What the models' mean changes are of the heads', in least squares over pairs of models, on rows after both."""
    rng = np.random.default_rng(_SEED)
    weights = np.vstack([np.ones(len(step)), rng.poisson(1.0, (_DRAWS, len(step)))]).astype(np.float32)
    both, squares, pairs = np.zeros(1 + _DRAWS), np.zeros(1 + _DRAWS), 0
    for a, b in combinations(sorted(trained), 2):
        rows = step >= b
        drawn = weights[:, rows].sum(axis=1)
        of_heads = weights[:, rows] @ (heads[b, rows] - heads[a, rows])
        of_models = weights[:, rows] @ (trained[b][rows] - trained[a][rows])
        both += of_heads * of_models / np.maximum(drawn, 1.0)
        squares += of_heads**2 / np.maximum(drawn, 1.0)
        pairs += bool(rows.any())
    if not pairs or squares.min() <= 0.0:
        return Score(mean=1.0, low=0.0, high=MOST, n=0)
    shares = np.clip(both / squares, 0.0, MOST)
    mean, (low, high) = float(shares[0]), np.percentile(shares[1:], [2.5, 97.5])
    return Score(mean=mean, low=min(mean, float(low)), high=max(mean, float(high)), n=pairs)
