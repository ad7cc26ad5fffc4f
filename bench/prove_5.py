"""Bar prove.5: what a version would have been worth over all of the traffic, told from the share that it answered.

    python bench/prove_5.py [--quick] [--runs 2000] [--seed 5]

Simulated logs of requests from four segments, a version tried on a share of the episodes, and outcomes that depend on
segment, version and luck. `stats.off_policy.value_of` sees what a log holds: chances, who answered, known outcomes, the
segment and two numbers of which one matters. Regimes: shares of 5 to 50 %; a share that is raised from 2 to 50 % while
the traffic moves; episodes of six requests with luck of their own; outcomes that are seldom known, or known of bad
replies rather than of good ones; rare, frequent and continuous outcomes; a slice; a version whose replies agree with
the champion's in most; and a sample that is too small, where it should refuse.

A run is right if the interval holds the truth: the mean outcome had the version answered every request of this very
log (`covers`), and also the mean over all logs that could have come (`all_logs`; not where bad outcomes are known
rather, as that mean is of another thing). `value` is the least lower bound, over regimes and both truths, of the
exact 95 % interval of the coverage; the bar is 93 %, and that a sample with too few rows is refused every time.
Beside it, each on the same rows: `plain` weights without a model of the outcome, `ips` with a normal interval, the
`naive` mean with its exact interval, `bernstein`, the empirical Bernstein bound of the weighted outcomes (Maurer &
Pontil 2009, 0907.3740), and `oracle`, which knows what every outcome is on average. Widths are means over runs, over
the width of the oracle's.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from homeostat.stats.intervals import mean_interval, proportion
from homeostat.stats.off_policy import Logged, value_of
from homeostat.types.report import Score

Floats = NDArray[np.float64]
GOAL, LEVEL = 0.93, 0.95
MIXES = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
"""Of the four segments, at the beginning and at the end of a log whose traffic moves."""


@dataclass(frozen=True, kw_only=True)
class Regime:
    """A sort of log."""

    n: int = 4000
    shares: tuple[float, ...] = (0.1,)
    """Of the version, in stages of equal length."""
    rates: tuple[float, float, float, float] = (0.9, 0.8, 0.6, 0.4)
    """Mean outcome of each segment."""
    known: float = 1.0
    """Share of the rows whose outcome is known."""
    complains: float = 0.0
    """So much more often bad outcomes are known than good ones, in shares of the rows."""
    per_episode: int = 1
    moves: bool = False
    continuous: bool = False
    alike: float = 0.0
    """Share of the requests that version and champion answer alike, as copies show: easy ones rather."""
    slice: bool = False
    """Whether only the last segment is asked about."""


REGIMES: Mapping[str, Regime] = {
    "share 5 %": Regime(shares=(0.05,)),
    "share 10 %": Regime(),
    "share 25 %": Regime(shares=(0.25,)),
    "share 50 %": Regime(shares=(0.5,), n=2000),
    "rare: 1 in 50": Regime(rates=(0.01, 0.01, 0.02, 0.06), n=8000),
    "rare, share 5 %": Regime(rates=(0.01, 0.01, 0.02, 0.06), shares=(0.05,)),
    "outcome known of 1 in 10": Regime(known=0.1, shares=(0.25,)),
    "outcome known of bad ones": Regime(known=0.1, complains=0.3, shares=(0.25,)),
    "share raised, traffic moves": Regime(shares=(0.02, 0.05, 0.2, 0.5), moves=True),
    "raised, moves, rare": Regime(shares=(0.05, 0.1, 0.5), moves=True, rates=(0.01, 0.01, 0.02, 0.06), n=8000),
    "episodes of six": Regime(per_episode=6, n=6000),
    "continuous": Regime(continuous=True),
    "continuous, raised, moves": Regime(continuous=True, shares=(0.02, 0.05, 0.2, 0.5), moves=True),
    "slice": Regime(slice=True, n=8000, moves=True),
    "replies mostly alike": Regime(alike=0.9, shares=(0.05,)),
}
SMALL = Regime(n=400, shares=(0.02,))
"""Some eight replies of the version's own."""


@dataclass(frozen=True)
class Drawn:
    """A log, and what nobody knows of it."""

    rows: Logged
    truth: float
    """Mean outcome had the version answered every request."""
    expected: Floats
    """float[n]: every outcome on average."""


def drawn(regime: Regime, rng: np.random.Generator) -> Drawn:
    """One log of a regime."""
    n = regime.n
    at = np.arange(n) / n
    sums, place = np.cumsum(MIXES, axis=1), rng.random(n)
    late = at if regime.moves else 0.0
    segment = sum((place > low + late * (high - low)).astype(np.int64) for low, high in zip(*sums[:, :3], strict=True))
    episode, luck = np.arange(n), 0.0
    if regime.per_episode > 1:
        episode = rng.permutation(n) // regime.per_episode
        luck = rng.normal(size=n)[episode]
    hint, noise = rng.normal(size=(2, n))
    expected = ndtr(ndtri(np.array(regime.rates))[segment] + 0.5 * hint + luck)
    outcome = rng.beta(4 * expected, 4 * (1 - expected)) if regime.continuous else rng.random(n) < expected
    outcome = np.asarray(outcome, dtype=np.float64)
    told = rng.random(n) < regime.known + regime.complains * (1 - outcome)
    share = np.array(regime.shares)[np.minimum((at * len(regime.shares)).astype(int), len(regime.shares) - 1)]
    same = rng.random(n) < np.minimum(regime.alike * expected / expected.mean(), 1.0)
    hit, chance = same | (rng.random(n)[episode] < share), np.where(same, 1.0, share)
    about = np.column_stack([np.eye(4)[segment], hint, noise])
    asked = segment == 3 if regime.slice else np.ones(n, dtype=bool)
    if asked.all():
        return Drawn(Logged(chance, hit, told, outcome * told, episode, about), float(outcome[told].mean()), expected)
    rows = Logged(chance[asked], hit[asked], told[asked], (outcome * told)[asked], episode[asked], about[asked])
    return Drawn(rows, float(outcome[told & asked].mean()), expected[asked])


def by_normal(values: Floats, over: float) -> Score:
    """The sum of values over a number, with the usual interval."""
    half = float(ndtri((1 + LEVEL) / 2)) * math.sqrt(float(values.var()) * len(values)) / over
    mean = float(values.sum()) / over
    return Score(mean=mean, low=mean - half, high=mean + half, n=len(values))


def bernstein(rows: Logged) -> Score:
    """Maurer and Pontil's bound of the mean of weighted outcomes, which lie between 0 and the largest weight."""
    counted = (rows.hit / rows.chance * rows.outcome)[rows.told]
    n, most = len(counted), float(1 / rows.chance.min())
    log = math.log(4 / (1 - LEVEL))
    half = math.sqrt(2 * float(counted.var(ddof=1)) * log / n) + 7 * most * log / (3 * (n - 1))
    mean = float(counted.mean())
    return Score(mean=mean, low=max(mean - half, 0.0), high=min(mean + half, 1.0), n=n)


def oracle(log: Drawn) -> Score:
    """Weighted, less what is expected of each row, which is known: the least noise that chances leave."""
    rows = log.rows
    told = rows.told
    weight = (rows.hit / rows.chance)[told]
    left = log.expected[told] + weight * (rows.outcome[told] - log.expected[told])
    return by_normal(left, float(told.sum()))


def ways(log: Drawn) -> dict[str, Score]:
    """Way -> its estimate and interval; no `ours` where it refuses."""
    rows = log.rows
    found = value_of(rows)
    mine = rows.outcome[rows.hit & rows.told]
    said = {
        "ips": by_normal((rows.hit / rows.chance * rows.outcome)[rows.told], float(rows.told.sum())),
        "bernstein": bernstein(rows),
        "oracle": oracle(log),
    }
    if len(mine) > 1:
        said["naive"] = mean_interval(mine)
    if found.score is not None and found.plain is not None:
        said |= {"ours": found.score, "plain": found.plain}
    return said


def regime(which: Regime, runs: int, seed: int) -> dict[str, Any]:
    """Way -> coverage of this log's truth with its exact interval, mean width, root mean square error."""
    hits: dict[str, list[bool]] = {}
    wide: dict[str, list[float]] = {}
    off: dict[str, list[float]] = {}
    general: list[bool] = []
    mean = float(np.mean([drawn(which, np.random.default_rng([seed, 9, k])).expected.mean() for k in range(200)]))
    for run in range(runs):
        log = drawn(which, np.random.default_rng([seed, run]))
        for way, score in ways(log).items():
            hits.setdefault(way, []).append(score.low <= log.truth <= score.high)
            wide.setdefault(way, []).append(score.high - score.low)
            off.setdefault(way, []).append(score.mean - log.truth)
            if way == "ours" and not which.complains:
                general.append(score.low <= mean <= score.high)
    found: dict[str, Any] = {}
    best = float(np.mean(wide["oracle"]))
    for way, inside in hits.items():
        held = proportion(sum(inside), len(inside))
        found[way] = {
            "covers": [round(x, 4) for x in (held.mean, held.low, held.high)],
            "width": round(float(np.mean(wide[way])), 4),
            "of_oracle": round(float(np.mean(wide[way])) / best, 2),
            "bias": round(float(np.mean(off[way])), 4),
            "error": round(float(np.sqrt(np.mean(np.square(off[way])))), 4),
            "n": len(inside),
        }
    held = proportion(sum(general), len(general)) if general else None
    found["ours"]["all_logs"] = [round(x, 4) for x in (held.mean, held.low, held.high)] if held else None
    return found


def refused(runs: int, seed: int) -> dict[str, Any]:
    """How often a sample that is too small is refused, and whether as many requests as it names are enough."""
    first = [value_of(drawn(SMALL, np.random.default_rng([seed, 7, k])).rows) for k in range(runs)]
    more = [one.more for one in first if one.more]
    enough = Regime(n=SMALL.n + int(np.median(more)), shares=SMALL.shares)
    then = [value_of(drawn(enough, np.random.default_rng([seed, 8, k])).rows) for k in range(runs)]
    return {
        "refused": sum(one.score is None for one in first),
        "n": runs,
        "more_asked_for": float(np.median(more)),
        "answered_then": round(float(np.mean([one.score is not None for one in then])), 3),
        "example": first[0].because,
    }


def summary(found: Mapping[str, Any], small: Mapping[str, Any], runs: int) -> dict[str, Any]:
    """The bar's line."""
    held = [each["ours"][which] for each in found.values() for which in ("covers", "all_logs") if each["ours"][which]]
    worst = min(held, key=lambda one: float(one[1]))
    return {
        "bar": "prove.5",
        "value": worst[1],
        "interval": worst[1:],
        "n": runs,
        "goal": GOAL,
        "met": bool(worst[1] >= GOAL and small["refused"] == small["n"]),
        "of_oracle": {name: each["ours"]["of_oracle"] for name, each in found.items()},
        "too_small": small,
        "regimes": found,
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 runs")
    parser.add_argument("--runs", type=int, default=2000, help="of each regime")
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    began, runs = time.perf_counter(), 100 if args.quick else args.runs
    found = {}
    for name, which in REGIMES.items():
        found[name] = regime(which, runs, args.seed)
        print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    line = summary(found, refused(min(runs, 500), args.seed), runs)
    print(json.dumps(line | {"quick": args.quick, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
