"""What a version would have earned on requests that mostly others answered, from the chance with which each was routed.

A row that the version answered stands for as many rows as its chance says: one of 20 for 20 of them. These weights make
up for shares that were raised while the traffic moved, where a plain mean over what the version answered does not. The
sum is divided by that of the weights (self-normalized, Swaminathan & Joachims 2015, NeurIPS), a cross-fitted model of
the outcome takes off what can be foreseen of it (doubly robust, Dudík et al. 2011, 1103.4601; how far it is heeded is
tuned, as in 2311.01453), and weights that cost more than they tell are clipped, by a bound that the chances alone
decide (Ionides 2008; Bottou et al. 2013, 1209.2355) and whose bias is told.

The interval is that of Clopper and Pearson, made for rows with weights: at either end one row of the largest weight and
the worst outcome is added, and a beta distribution takes mean and spread of what there is then (as Fay & Feuer 1997 do,
Statistics in Medicine 16:791, for rates). Rows of one episode were routed together and count together. The bounds that
hold without any such step (empirical Bernstein, betting: 2010.09686) are several times as wide at these numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.types.report import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 30.0
"""Effective rows below which nothing is estimated."""
FOLDS = 5
RIDGE = 1.0
"""Penalty of the model of outcomes, in rows."""
LIMITS = 20
"""Bounds on weights that are tried, besides none."""


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """Requests that the version could have answered, each with the chance that it did."""

    chance: Floats
    """float[n] in (0, 1]: with which probability the reply that was logged is the version's."""
    hit: NDArray[np.bool_]
    """bool[n]: whether it is."""
    told: NDArray[np.bool_]
    """bool[n]: whether the outcome is known, which may depend on the request and the reply."""
    outcome: Floats
    """float[n] in [0, 1]; 0 where it is not known."""
    episode: Ints
    """int[n] from 0: rows with the same number were routed together."""
    about: Floats
    """float[n, k]: what is known of a request before it is answered; k may be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """The mean outcome, had the version answered every request."""

    score: Score | None
    """The answer; None where the effective sample is too small. Its `n` counts rows of the version with an outcome."""
    because: str
    """Why there is no answer, and how many more requests it takes; empty where there is one."""
    effective: float
    """So many rows of equal weight would say as much; rows of one episode count once."""
    more: int
    """Requests like these that are missing; 0 where there is an answer."""
    naive: float
    """The plain mean over what the version answered."""
    ips: float
    """Sum of the weighted outcomes over all rows with an outcome, whoever answered them (Horvitz & Thompson 1952)."""
    plain: Score | None
    """Without the model and without clipping: self-normalized weights alone."""
    heeded: float
    """How far the model of outcomes was heeded, from 0 to 1."""
    limit: float
    """Largest weight allowed; infinite where nothing was clipped."""
    left_out: float
    """Share of the requests that clipping leaves out; the answer's interval is wider by as much, as nothing is known of
    them.
    """


def value_of(rows: Logged, level: float = 0.95, least: float = LEAST, seed: int = 0) -> Valued:
    """The mean outcome over all rows, had the version answered them, with its two-sided interval.

    Raises:
        ValueError: columns of unequal length, or a chance outside (0, 1].
    """
    _hold(rows)
    weighed = _Weighed(rows, clip_at(rows.chance[rows.told]))
    effective = effective_rows(weighed.counted, weighed.episode)
    mine = rows.hit & rows.told
    empty = Valued(
        score=None,
        because="",
        effective=effective,
        more=0,
        naive=float(rows.outcome[mine].mean()) if mine.any() else math.nan,
        ips=float((rows.hit / rows.chance * rows.outcome)[rows.told].mean()) if rows.told.any() else math.nan,
        plain=None,
        heeded=0.0,
        limit=weighed.limit,
        left_out=weighed.left_out,
    )
    if effective < least:
        return _refused(empty, rows, least)
    nothing = np.zeros(len(rows.chance))
    foreseen, heeded = _foreseen(weighed, seed)
    found, left = _interval(weighed, foreseen, level), weighed.left_out
    score = replace(found, low=(1 - left) * found.low, high=(1 - left) * found.high + left)
    return replace(empty, score=score, plain=_interval(_Weighed(rows, math.inf), nothing, level), heeded=heeded)


def effective_rows(weights: Floats, episode: Ints) -> float:
    """Kish's effective number of rows, over the sums of episodes: (Σ w)² / Σ w²."""
    sums = np.bincount(episode, weights) if len(weights) else np.zeros(1)
    squares = float((sums * sums).sum())
    return float(sums.sum()) ** 2 / squares if squares else 0.0


def clip_at(chance: ArrayLike) -> float:
    """The bound on weights that makes the interval narrowest, as far as chances alone tell; infinite for none.

    With a bound the noise falls, and what is left out, which may be anything from 0 to 1, grows. Outcomes are not
    looked at, so that choosing costs no validity.
    """
    p = np.asarray(chance, dtype=np.float64)
    if not len(p) or p.min() == p.max():
        return math.inf
    best, width = math.inf, _width(p, math.inf)
    for limit in np.unique(np.quantile(1 / p, np.linspace(0, 1, LIMITS, endpoint=False))):
        if (wide := _width(p, float(limit))) < width:
            best, width = float(limit), wide
    return best


def _width(p: Floats, limit: float) -> float:
    """Width of the interval that these chances would give outcomes of half and half, what is left out included."""
    weight, kept = np.minimum(1 / p, limit), np.minimum(1.0, limit * p)
    noise = math.sqrt(float((weight * weight * p).sum())) / float(kept.sum()) / 2
    return 2 * float(stats.norm.ppf(0.975)) * noise + 1 - float(kept.mean())


class _Weighed:
    """Rows with their weights under a bound, and the sums that every estimate is made of."""

    def __init__(self, rows: Logged, limit: float) -> None:
        self.rows, self.limit = rows, limit
        self.weight = np.minimum(1 / rows.chance, limit) * rows.hit
        self.kept = np.minimum(1.0, limit * rows.chance)
        """What a row's weight is on average."""
        self.counted = self.weight * rows.told
        self.left_out = 1 - float(self.kept[rows.told].mean()) if rows.told.any() else 0.0
        self.episode = rows.episode

    def mean(self) -> float:
        return float((self.counted * self.rows.outcome).sum() / self.counted.sum())

    def most(self) -> float:
        """The largest weight that an episode with an outcome has, or that a row might have had."""
        sums = np.bincount(self.episode, self.counted)
        return float(max(sums.max(), np.minimum(1 / self.rows.chance, self.weight.max()).max()))


def _interval(weighed: _Weighed, foreseen: Floats, level: float) -> Score:
    """The weighted mean less what could be foreseen, and Clopper–Pearson's interval for rows with weights.

    `foreseen`, float[n], is what each row adds to Σ w (outcome - mean) by chance alone, as a model tells it.
    """
    outcome, counted = weighed.rows.outcome, weighed.counted
    total, n = float(counted.sum()), int((weighed.rows.hit & weighed.rows.told).sum())
    mean = min(max(float((counted * outcome - foreseen).sum()) / total, 0.0), 1.0)
    extra, tail = weighed.most(), (1 - level) / 2

    def end(worst: float) -> float:
        """Quantile of the beta distribution that has mean and spread of the rows and one more, of the worst outcome."""
        middle = min(max((mean * total + extra * worst) / (total + extra), 1e-12), 1 - 1e-12)
        sums = np.bincount(weighed.episode, counted * (outcome - middle) - foreseen)
        spread = float((sums * sums).sum()) + (extra * (worst - middle)) ** 2
        size = middle * (1 - middle) * (total + extra) ** 2 / max(spread, 1e-300)
        size *= _few(weighed, level)
        return float(stats.beta.ppf(1 - tail if worst else tail, middle * size, (1 - middle) * size))

    return Score(mean=mean, low=min(end(0.0), mean), high=max(end(1.0), mean), n=n)


def _few(weighed: _Weighed, level: float) -> float:
    """By how much an effective size shrinks because the spread itself is only known from so many episodes."""
    sums = np.bincount(weighed.episode, weighed.counted)
    if np.bincount(weighed.episode).max() == 1:
        return 1.0
    freedom = max(float(sums.sum()) ** 2 / float((sums * sums).sum()) - 1, 1.0)
    tail = (1 + level) / 2
    return float(stats.norm.ppf(tail) / stats.t.ppf(tail, freedom)) ** 2


def _foreseen(weighed: _Weighed, seed: int) -> tuple[Floats, float]:
    """What a model foresees of each row's part in the error, float[n], heeded as far as that makes it smaller.

    Two ridge regressions, each row told by one that has not seen its episode: whether an outcome becomes known, and
    what it is. A row of the version counts more than it should by weight - kept, whatever the model; so the mean of
    what is taken off is 0 even where the model is wrong.
    """
    rows, mean = weighed.rows, weighed.mean()
    if not rows.about.shape[1]:
        return np.zeros(len(rows.chance)), 0.0
    fold = np.random.default_rng(seed).integers(0, FOLDS, weighed.episode.max() + 1)[weighed.episode]
    known, worth = np.zeros(len(fold)), np.zeros(len(fold))
    for part in range(FOLDS):
        here, others = fold == part, fold != part
        known[here] = _regressed(rows.about, rows.told, weighed.weight * others, 1.0)[here]
        worth[here] = _regressed(rows.about, rows.outcome, weighed.counted * others, mean)[here]
    part_of = (weighed.weight - weighed.kept) * known * (worth - mean)
    error = np.bincount(weighed.episode, weighed.counted * (rows.outcome - mean))
    told = np.bincount(weighed.episode, part_of)
    square = float((told * told).sum())
    heeded = min(max(float((error * told).sum()) / square, 0.0), 1.0) if square > 0 else 0.0
    after = float(np.square(error - heeded * told).sum())
    if after > 0.98 * float(np.square(error).sum()):  # nothing was won
        return np.zeros(len(fold)), 0.0
    return heeded * part_of, heeded


def _regressed(about: Floats, target: ArrayLike, weight: Floats, without: float) -> Floats:
    """Ridge regression with weights, told of all rows, in [0, 1]; `without` where no row counts."""
    used = weight > 0
    if not used.any():
        return np.full(len(about), without)
    w = weight[used] / weight[used].mean()
    x, y = about[used], np.asarray(target, dtype=np.float64)[used]
    middle, level = np.average(x, axis=0, weights=w), float(np.average(y, weights=w))
    centered = x - middle
    gram = (centered * w[:, None]).T @ centered
    slope = np.linalg.solve(gram + RIDGE * np.eye(gram.shape[0]), (centered * w[:, None]).T @ (y - level))
    return np.asarray(np.clip(level + (about - middle) @ slope, 0.0, 1.0))


def _refused(empty: Valued, rows: Logged, least: float) -> Valued:
    n = len(rows.chance)
    wanted = least + math.sqrt(least)  # of which chance seldom leaves less than the least
    more = math.ceil(n * (wanted / empty.effective - 1)) if empty.effective else 0
    so_far = f"the effective sample is {empty.effective:.1f} rows of the {least:.0f} that it takes"
    if more:
        return replace(empty, more=more, because=f"{so_far}: about {more:,} more requests, routed as these {n:,} were")
    expected = float(rows.chance.sum())
    chances = f"of {n:,} requests about {expected:,.0f} would have been its own" if n else "it could answer no request"
    return replace(empty, because=f"{so_far}: none has an outcome yet ({chances})")


def _hold(rows: Logged) -> None:
    n = len(rows.chance)
    if any(len(column) != n for column in (rows.hit, rows.told, rows.outcome, rows.episode, rows.about)):
        raise ValueError("columns of unequal length are not the same rows")
    if n and not (rows.chance.min() > 0 and rows.chance.max() <= 1):
        raise ValueError("a chance lies in (0, 1]")
