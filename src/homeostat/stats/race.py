"""Which of several versions is best, told from what each answered by chance, at any time one likes to look.

Every unit (a request, an episode) is answered by one of them, drawn by lot, and has an outcome in [0, 1]. Of two
versions, a unit that one of both answered was the first one's with a chance that never changes. Weighed by that chance,
its outcome less a fixed number is a draw whose mean is the difference of the two, whoever else takes part, and however
the traffic moves, as long as it moves for both. The nearer that number is to the usual outcome, the less noise: half of
the stake plays with the number that is given, half with others. On that difference gamblers bet as in `stats.eprocess`
(Waudby-Smith and Ramdas 2020, 2010.09686; with weights, 2210.10768), so no bound rests on the shape of the outcomes.

A version is beaten when the mean wealth of all who bet that another is better reaches 1/alpha. Of the best one that
mean is a supermartingale which starts at 1: it is ever called beaten with probability at most alpha, however often one
looks, and however many versions there are. Leaving one after the other is successive elimination (Even-Dar et al.
2006, JMLR 7:1079), with these bounds in place of Hoeffding's.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from homeostat.stats.eprocess import GRID
from homeostat.types.report import Score

Floats = NDArray[np.float64]

CENTERS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Numbers that are taken off outcomes, besides the one that is given, each by a tenth of the stake."""
_STEPS = 24
"""Halvings by which the end of an interval is found: to a ten-millionth."""


def lead(
    values: ArrayLike, ahead: ArrayLike, behind: ArrayLike, *, chance: float = 0.5, center: float = 0.5, by: float = 0.0
) -> Floats:
    """Natural logarithm of the wealth against "one version's mean exceeds another's by `by` at most", float64[...].

    Args:
        values: float[v], the outcomes that there are, in [0, 1].
        ahead: [..., v], how many of the one version's units had each of them.
        behind: [..., v], the same of the other.
        chance: that a unit which one of both answers is the first one's.
        center: what the usual outcome was before the first unit, as far as is known.
        by: in (-1, 1).

    Raises:
        ValueError: a value, chance or center out of its range.
    """
    outcome = np.asarray(values, dtype=np.float64).ravel()
    if not (0 < chance < 1 and 0 <= center <= 1 and -1 < by < 1 and np.all((outcome >= 0) & (outcome <= 1))):
        raise ValueError(f"chance {chance}, center {center}, by {by}, or a value, is out of its range")
    least = min(chance, 1.0 - chance)
    moved = outcome[:, None, None] - np.array([center, *CENTERS])[:, None]  # [v, centers, 1]
    stakes = np.array(GRID) / (1.0 + least)  # the worst row is worth -1 - least * by; the same for every `by`
    shape = len(outcome), (1 + len(CENTERS)) * len(stakes)
    ours = np.log1p((moved * (least / chance) - least * by) * stakes).reshape(shape)
    theirs = np.log1p((-moved * (least / (1.0 - chance)) - least * by) * stakes).reshape(shape)
    parts = np.repeat([0.5, *[0.5 / len(CENTERS)] * len(CENTERS)], len(stakes)) / len(stakes)
    logs = _counts(ahead) @ ours + _counts(behind) @ theirs
    most = logs.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - most) @ parts) + most[..., 0], dtype=np.float64)


def leads(values: ArrayLike, units: ArrayLike, weights: ArrayLike, *, center: float = 0.5) -> Floats:
    """`lead` of every version over every other, float64[..., k, k]: by who is ahead, then by who is behind; 0 of
    itself.

    Args:
        values: float[v], the outcomes that there are.
        units: [..., k, k, v], how many units of a version, answered while the other took part, had each outcome.
        weights: float[k], shares of the traffic in proportion to which units are drawn.
        center: as of `lead`.
    """
    counted, share = _counts(units), np.asarray(weights, dtype=np.float64)
    found = np.zeros(counted.shape[:-1])
    for a in range(len(share)):
        for b in range(len(share)):
            if a != b:
                chance = float(share[a] / (share[a] + share[b]))
                of = counted[..., a, b, :], counted[..., b, a, :]
                found[..., a, b] = lead(values, *of, chance=chance, center=center)
    return found


def beaten(found: Floats) -> Floats:
    """From `leads`, natural logarithm of the mean wealth against "nobody is better", float64[..., k]: a version is
    beaten, at alpha, where that is -log(alpha) or more.
    """
    k = found.shape[-1]
    others = np.where(np.eye(k, dtype=bool), -np.inf, found)
    return np.asarray(logsumexp(others, axis=-2) - math.log(k - 1), dtype=np.float64)


def difference(
    values: ArrayLike, ahead: ArrayLike, behind: ArrayLike, *, chance: float, center: float, alpha: float = 0.05
) -> Score:
    """The first version's mean less the other's, with an interval that holds at every look at once; arguments as of
    `lead`, and alpha is that of both ends together. Nothing seen, nothing refused: -1 to 1.
    """
    outcome, ours, theirs = np.asarray(values, dtype=np.float64).ravel(), _counts(ahead), _counts(behind)
    n, m = float(ours.sum()), float(theirs.sum())
    mean = float(ours @ outcome / n - theirs @ outcome / m) if n and m else 0.0
    enough = -math.log(alpha / 2)

    def least(first: Floats, second: Floats, chance: float) -> float:
        low, high = -1.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            shown = lead(outcome, first, second, chance=chance, center=center, by=middle) >= enough
            low, high = (middle, high) if shown else (low, middle)
        return low

    low, high = least(ours, theirs, chance), -least(theirs, ours, 1.0 - chance)
    return Score(mean=mean, low=min(low, mean), high=max(high, mean), n=int(n + m))


def level(values: ArrayLike, counts: ArrayLike, *, alpha: float = 0.05) -> Score:
    """A version's mean with an interval that holds at every look at once; alpha is that of both ends together.

    Args:
        values: float[v], the outcomes that there are, in [0, 1].
        counts: [v], how many units had each.
        alpha: of the interval.
    """
    outcome, counted = np.asarray(values, dtype=np.float64).ravel(), _counts(counts)
    n, stakes = float(counted.sum()), np.array(GRID)
    mean = float(counted @ outcome / n) if n else 0.5

    def least(outcome: Floats) -> float:
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            logs = counted @ np.log1p(np.outer(outcome - middle, stakes))
            shown = float(logsumexp(logs)) - math.log(len(stakes)) >= -math.log(alpha / 2)
            low, high = (middle, high) if shown else (low, middle)
        return low

    low, high = least(outcome), 1.0 - least(1.0 - outcome)
    return Score(mean=mean, low=min(low, mean), high=max(high, mean), n=int(n))


def _counts(counts: ArrayLike) -> Floats:
    return np.asarray(counts, dtype=np.float64)
