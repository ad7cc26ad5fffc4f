"""Labels that predictions save: how many a plain interval needs to be as narrow as a prediction-powered one.

Not a bar: `watch_4.py` puts it into its line. A stream's rows are cut in three. A head that was taught by the first
part replies to the third, and judges rate its replies as the product's judges do: how likely each is right. Judges are
real ones of several strengths: heads that were taught by all of the second part, or by a small share of it, and the
replying head's own confidence, calibrated on `CALIBRATION` labels. Beside them stand two that bound what can be seen:
people who err in `ERR` of the rows (`people`, made from the right answers), and the best judge's ratings of other rows
(`blind`), which say nothing.

A draw takes `LABELS` labeled rows and `OTHERS` unlabeled ones, with replacement, so that what is meant is the mean over
all rows and its interval must cover that. `needed` is the number of labels at which intervals by labels alone
(`mean_interval`, on labels of the same draws) are on average as narrow as those with predictions; `saved` is 1 -
LABELS / needed, with an interval by drawing the draws again. `expected` is what the correlation ρ of rating and truth
promises: ρ² · OTHERS / (OTHERS + LABELS) (2311.01453). `plain` and `powered` say how often each covered the truth: with
as many labels as `needed` says, and with LABELS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.loop.backtests.backtest import SHARPNESS, replies_of
from homeostat.monitor.quality.calibration import Calibration
from homeostat.stats.intervals import proportion
from homeostat.stats.predicted import powered_mean
from homeostat.train.head.ridge import RidgeHead

Floats = NDArray[np.float64]
LABELS, OTHERS, CALIBRATION = 100, 2000, 400
PARTS = (0.25, 0.65)
"""Where a stream's rows are cut."""
STRENGTHS = {"strong judge": 1.0, "middling judge": 0.15, "weak judge": 0.03}
"""Judge -> share of the second part that taught it."""
ERR = 0.03
BLIND = "blind"
GOOD = 0.5
"""Correlation with the truth from which on a judge is a good one."""
MOST = 20.0
"""Most labels that are tried, in units of LABELS."""
TRIED = np.unique(np.round(np.geomspace(0.5 * LABELS, MOST * LABELS, 60)).astype(int))


@dataclass(frozen=True, slots=True)
class Rated:
    """Replies to rows that nobody had learned, and what judges say of them."""

    right: Floats
    by: Mapping[str, Floats]
    """Judge -> float[rows], how likely it holds each reply to be right."""


def rated(features: Floats, labels: list[str], seed: int) -> Rated:
    """Replies and judgments on the third part of a stream's rows, float64[rows, width], in the order of a lot."""
    taught, judged = (round(part * len(labels)) for part in PARTS)
    head = RidgeHead(features.shape[1], ridge=1.0)
    head.add(features[:taught], labels[:taught])
    replies, sure = replies_of(head, features[judged:])
    right = np.array([float(a == b) for a, b in zip(replies, labels[judged:], strict=True)])
    by = {}
    for name, share in STRENGTHS.items():
        end = taught + max(2, round(share * (judged - taught)))
        judge = RidgeHead(features.shape[1], ridge=1.0)
        judge.add(features[taught:end], labels[taught:end])
        by[name] = ratings(judge, features[judged:], replies)
    known = CALIBRATION
    by = {name: told[known:] for name, told in by.items()}
    by["confidence"] = Calibration.fit(sure[:known], right[:known])(sure[known:])
    rng = np.random.default_rng([4, seed])
    by["people"] = np.abs(right[known:] - (rng.random(len(right) - known) < ERR))
    by[BLIND] = rng.permutation(by["strong judge"])
    return Rated(right[known:], by)


def ratings(judge: RidgeHead, features: Floats, replies: Sequence[str]) -> Floats:
    """float[rows]: how near each reply comes to what the judge would have said: 1 where it is the same, 0 at worst."""
    scores = SHARPNESS * features @ judge.weights()
    column = {label: k for k, label in enumerate(judge.labels)}
    own = [scores[k, column[reply]] if reply in column else -np.inf for k, reply in enumerate(replies)]
    return np.asarray(np.exp(np.array(own) - scores.max(axis=1)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Widths and hits of many draws."""

    plain: Floats
    """float[draws, tried]: how wide the interval of so many labels alone was."""
    plain_hit: NDArray[np.bool_]
    powered: dict[str, Floats]
    """Judge -> float[draws]."""
    powered_hit: dict[str, NDArray[np.bool_]]


def drawn(of: Rated, draws: int, rng: np.random.Generator) -> Drawn:
    """Intervals of many draws, by labels alone and with each judge, of the same labels."""
    truth, rows = float(of.right.mean()), len(of.right)
    right = np.zeros((draws, len(TRIED)), dtype=np.int64)
    width, hit = ({name: np.zeros(draws) for name in of.by} for _ in range(2))
    for k in range(draws):
        labeled, others = rng.integers(0, rows, TRIED[-1]), rng.integers(0, rows, OTHERS)
        right[k] = np.cumsum(of.right[labeled])[TRIED - 1]
        first = labeled[:LABELS]
        for name, told in of.by.items():
            score = powered_mean(of.right[first], told[first], told[others]).score
            width[name][k], hit[name][k] = score.high - score.low, score.low <= truth <= score.high
    low, high = exact(right, TRIED)
    inside = (low <= truth) & (truth <= high)
    return Drawn(high - low, inside, width, {name: found.astype(bool) for name, found in hit.items()})


def exact(right: NDArray[np.int64], n: NDArray[np.int64], level: float = 0.95) -> tuple[Floats, Floats]:
    """The ends of Clopper and Pearson's intervals of right/n, all at once; those of `mean_interval`."""
    tail, total = (1 - level) / 2, np.broadcast_to(n, right.shape)
    low = np.where(right > 0, stats.beta.ppf(tail, np.maximum(right, 1), total - right + 1), 0.0)
    high = np.where(right < total, stats.beta.ppf(1 - tail, right + 1, np.maximum(total - right, 1)), 1.0)
    return low, high


def needed(plain: Floats, width: float) -> float:
    """Labels at which an interval is so wide on average, between those that were tried; more are MOST times LABELS.

    Args:
        plain: float[tried], mean width of the intervals by so many labels, falling.
        width: that is to be reached.
    """
    falling = np.minimum.accumulate(plain)
    return float(np.exp(np.interp(-width, -falling, np.log(TRIED))))


@dataclass(frozen=True, slots=True)
class Saved:
    """What one judge saves on one stream, or on several."""

    agreement: float
    """Correlation of its ratings with what is right."""
    needed: float
    saved: list[float]
    """With its interval."""
    expected: float
    plain: list[float]
    """Coverage, with its interval."""
    powered: list[float]
    width: float
    n: int


def saved(of: Rated, found: Drawn, judge: str, rng: np.random.Generator) -> Saved:
    """What a judge saves."""
    powered, draws = found.powered[judge], len(found.plain)
    enough = needed(found.plain.mean(axis=0), float(powered.mean()))
    again = rng.multinomial(draws, np.full(draws, 1 / draws), 1000) / draws
    lots = [1 - LABELS / needed(p, w) for p, w in zip(again @ found.plain, again @ powered, strict=True)]
    low, high = np.quantile(lots, (0.025, 0.975))
    told, tried = of.by[judge], int(np.abs(np.log(TRIED / enough)).argmin())
    rho = float(np.corrcoef(told, of.right)[0, 1])
    return Saved(
        agreement=round(rho, 3),
        needed=round(enough, 1),
        saved=[round(float(x), 4) for x in (1 - LABELS / enough, low, high)],
        expected=round(max(rho, 0.0) ** 2 * OTHERS / (OTHERS + LABELS), 4),
        plain=_share(int(found.plain_hit[:, tried].sum()), draws),
        powered=_share(int(found.powered_hit[judge].sum()), draws),
        width=round(float(powered.mean()), 4),
        n=draws,
    )


def _share(k: int, n: int) -> list[float]:
    found = proportion(k, n)
    return [round(x, 4) for x in (found.mean, found.low, found.high)]


def spared(features: Floats, labels: list[str], draws: int, seed: int) -> dict[str, Saved]:
    """Judge -> what it saves on a stream."""
    of = rated(features, labels, seed)
    found = drawn(of, draws, np.random.default_rng([5, seed]))
    return {judge: saved(of, found, judge, np.random.default_rng([6, seed])) for judge in of.by}


def met(streams: Mapping[str, Mapping[str, Saved]], coverage: float) -> dict[str, bool]:
    """What is asked: a good judge surely saves labels, one that says nothing saves none, and intervals keep their word.

    One that says nothing may gain a few labels in a hundred, for exact intervals are wider than they need be. A
    coverage is asked for of each judge over all streams, by its lower bound.
    """
    every = [(judge, one) for found in streams.values() for judge, one in found.items()]
    good = [one.saved[1] > 0 for judge, one in every if judge != BLIND and one.agreement >= GOOD]
    blind = [one.saved[1] < 0.05 for judge, one in every if judge == BLIND]
    kept = []
    for judge in {judge for judge, _ in every}:
        some = [one for name, one in every if name == judge]
        hits = sum(round(one.powered[0] * one.n) for one in some)
        kept.append(proportion(hits, sum(one.n for one in some)).low >= coverage)
    return {"good_save": bool(good) and all(good), "blind_saves_nothing": all(blind), "covered": all(kept)}


def told(streams: Mapping[str, Mapping[str, Saved]]) -> dict[str, dict[str, Any]]:
    """The same for the line."""
    return {stream: {judge: asdict(one) for judge, one in found.items()} for stream, found in streams.items()}
