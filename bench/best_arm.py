"""Which of several versions is best: how often the wrong one is chosen, how many requests it takes, who answers
meanwhile.

    python bench/best_arm.py [--quick] [--part races|live] [--runs 2000] [--seed 11]

*Races.* Simulated requests, each answered by one of 3 or 5 versions of which one is better than all others by 2, 5 or
10 points (0.85 beside 0.83, 0.80, 0.75), or by nothing. Further: quality that moves with the traffic, for all alike, by
up to 25 points; a champion with 7 requests in 10; scores between wrong and right. Looked at after every 100 requests.

- `ours`: `stats.race` as `homeostat split --adaptive` uses it: who is shown to be worse leaves, alpha 0.05.
- `fixed split`: the same evidence with equal shares to the end (`--promote`).
- `one test`: equal shares, and as many requests as tests of the best beside each other, at alpha over their number,
need
  for a power of 0.8 each at the very gap, which has to be known beforehand; the best is chosen if all of them show it.
- `hoeffding`: successive elimination with Hoeffding's bound (Even-Dar et al. 2006), alpha 0.05.
- `greedy`: one request in ten to any, the others to the best so far; after as many requests as ours took at the median
it
  takes the best so far. It promises nothing.

`wrong` is the share of runs that chose another than the best, `worse` the share of requests that others than the best
answered up to the choice, `worse_in` the same over as many requests as `one test` takes, the choice answering after it
was made. Where all are alike no choice is wrong: there `wrong` is the share of runs in which the first one was ever
called beaten, over 20,000 requests. `value` is the largest share of wrong choices of ours over all settings, and `met`
says that the upper end of its exact 95 % interval is at most alpha in every one of them.

*Live.* A gateway and a worker as `homeostat up` starts them, exact heads on the built-in model taught 3, 12 and 100 %
of the same rows, the champion the middle one, customers who label three replies in five, and `homeostat split
--adaptive`. The worker is killed (SIGKILL) while the split is open, and another is started. `met`: the best answers
everything, nothing was dropped, and every row of the log is what the release in force gives its episode. `route_us` is
what one choice takes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.stats.intervals import proportion
from homeostat.stats.race import beaten, leads

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ALPHA, BEST, STEP = 0.05, 0.85, 100
ALIKE = 20_000
"""Requests of a race between versions that are alike."""
LONGEST = 400_000


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A sort of race; the first version is the best."""

    arms: int = 3
    gap: float = 0.05
    champion: float = 0.0
    """Share of the second version, which the champion is; 0 for equal shares."""
    moves: float = 0.0
    """So much all fall and rise with the traffic."""
    continuous: bool = False

    @property
    def weights(self) -> Floats:
        """Shares of the requests at the beginning."""
        rest = np.full(self.arms, (1.0 - self.champion) / (self.arms - bool(self.champion)))
        rest[1] = self.champion or rest[1]
        return rest

    def rates(self, at: int) -> Floats:
        """Mean outcome of each version after so many requests."""
        high = BEST - self.moves / 2 * (1 - math.cos(2 * math.pi * at / 5_000))
        return np.array([high, *[high - self.gap] * (self.arms - 1)])

    @property
    def values(self) -> Floats:
        """What an outcome may be."""
        return np.linspace(0.0, 1.0, 5) if self.continuous else np.array([0.0, 1.0])

    def drawn(self, had: NDArray[np.int64], at: int, rng: np.random.Generator) -> Floats:
        """How many units of each run and version had each outcome, float64[runs, arms, values], of `had` units."""
        rates = self.rates(at)
        if not self.continuous:
            right = rng.binomial(had, rates)
            return np.stack([had - right, right], axis=-1).astype(np.float64)
        chances = stats.binom.pmf(np.arange(5), 4, rates[:, None])
        return np.stack([rng.multinomial(had[:, k], chances[k]) for k in range(self.arms)], axis=1).astype(np.float64)


SETTINGS = {
    **{f"{k} arms, {100 * gap:g} points": Setting(arms=k, gap=gap) for k in (3, 5) for gap in (0.02, 0.05, 0.1)},
    **{f"{k} arms, alike": Setting(arms=k, gap=0.0) for k in (3, 5)},
    "3 arms, 5 points, all move": Setting(moves=0.25),
    "5 arms, alike, all move": Setting(arms=5, gap=0.0, moves=0.25),
    "3 arms, 5 points, champion 70 %": Setting(champion=0.7),
    "3 arms, alike, champion 70 %": Setting(gap=0.0, champion=0.7),
    "3 arms, 5 points, scores": Setting(continuous=True),
}


@dataclass(frozen=True)
class Races:
    """What came of the races of one way."""

    chosen: NDArray[np.int64]
    """int[runs]: the version that was chosen; -1 for none."""
    took: Floats
    """float[runs]: requests up to the choice."""
    worse: Floats
    """float[runs]: those of them that others than the best answered."""


Leaving = Callable[[Floats, Floats, Bools], Bools]
"""Units by pair, units by version, and who takes part -> who leaves, each with the runs first."""


def by_bets(setting: Setting) -> Leaving:
    """Ours: those whose being worse the bets show."""

    def leaving(pairs: Floats, counts: Floats, alive: Bools) -> Bools:
        found = beaten(leads(setting.values, pairs, setting.weights, center=0.8))
        return alive & (found >= -math.log(ALPHA))

    return leaving


def by_hoeffding(setting: Setting) -> Leaving:
    """Those whose upper bound lies below another's lower one."""

    def leaving(pairs: Floats, counts: Floats, alive: Bools) -> Bools:
        n = np.maximum(counts.sum(axis=-1), 1.0)
        mean = counts @ setting.values / n
        reach = np.sqrt(np.log(math.pi**2 * setting.arms * n**2 / (3 * ALPHA)) / (2 * n))
        highest = np.where(alive, mean - reach, -np.inf).max(axis=1)
        return alive & (mean + reach < highest[:, None])

    return leaving


def raced(setting: Setting, how: Leaving, runs: int, rng: np.random.Generator, *, most: int, adaptive: bool) -> Races:
    """Races in which versions leave, or are only noted as beaten where the shares are not to move."""
    k, weights = setting.arms, setting.weights
    chosen, took, worse = np.full(runs, -1), np.full(runs, float(most)), np.zeros(runs)
    place, alive = np.arange(runs), np.ones((runs, k), dtype=bool)
    counts, pairs = np.zeros((runs, k, len(setting.values))), np.zeros((runs, k, k, len(setting.values)))
    for at in range(0, most, STEP):
        share = alive * weights if adaptive else np.broadcast_to(weights, alive.shape)
        had = rng.multinomial(STEP, share / share.sum(axis=1, keepdims=True))
        new = setting.drawn(had, at, rng)
        counts += new
        together = (share > 0)[:, :, None] & (share > 0)[:, None, :]
        pairs += new[:, :, None, :] * together[..., None]
        worse[place] += had[:, 1:].sum(axis=1)
        alive &= ~how(pairs, counts, alive)
        done = alive.sum(axis=1) <= 1
        chosen[place[done]] = np.where(alive[done].any(axis=1), alive[done].argmax(axis=1), -1)
        took[place[done]] = at + STEP
        place, alive, counts, pairs = place[~done], alive[~done], counts[~done], pairs[~done]
        if not len(place):
            break
    return Races(chosen, took, worse)


def needed(setting: Setting) -> int:
    """Requests of a uniform split with which one test at the end shows the gap with a power of 0.8."""
    z = stats.norm.isf(ALPHA / (setting.arms - 1)) + stats.norm.isf(0.2)
    rates = setting.rates(0)[:2]
    spread = float((rates * (1 - rates)).sum()) / (4 if setting.continuous else 1)
    return math.ceil(setting.arms * z**2 * spread / setting.gap**2 / STEP) * STEP


def one_test(setting: Setting, runs: int, rng: np.random.Generator) -> Races:
    """Equal shares, and one look at the end."""
    k, most = setting.arms, needed(setting)
    counts, worse = np.zeros((runs, k, len(setting.values))), np.zeros(runs)
    for at in range(0, most, STEP):
        had = rng.multinomial(STEP, np.full((runs, k), 1 / k))
        counts += setting.drawn(had, at, rng)
        worse += had[:, 1:].sum(axis=1)
    n, values = counts.sum(axis=-1), setting.values
    mean = counts @ values / n
    spread = (counts @ values**2 / n - mean**2) / n
    best = mean.argmax(axis=1)
    rows = np.arange(runs)
    z = (mean[rows, best][:, None] - mean) / np.sqrt(spread[rows, best][:, None] + spread)
    z[rows, best] = np.inf
    shown = (z > stats.norm.isf(ALPHA / (k - 1))).all(axis=1)
    return Races(np.where(shown, best, -1), np.full(runs, float(most)), worse)


def greedy(setting: Setting, runs: int, rng: np.random.Generator, most: int) -> Races:
    """One in ten to any, the others to the best so far."""
    k, counts, worse = setting.arms, np.zeros((runs, setting.arms, len(setting.values))), np.zeros(runs)
    for at in range(0, most, STEP):
        n = np.maximum(counts.sum(axis=-1), 1e-9)
        mean = np.where(counts.sum(axis=-1) > 0, counts @ setting.values / n, 1.0) + 1e-9 * rng.random((runs, k))
        share = np.full((runs, k), 0.1 / k)
        share[np.arange(runs), mean.argmax(axis=1)] += 0.9
        had = rng.multinomial(STEP, share)
        counts += setting.drawn(had, at, rng)
        worse += had[:, 1:].sum(axis=1)
    mean = counts @ setting.values / np.maximum(counts.sum(axis=-1), 1e-9)
    return Races(mean.argmax(axis=1), np.full(runs, float(most)), worse)


def told(races: Races, runs: int, horizon: int) -> dict[str, Any]:
    """One way's figures."""
    wrong = proportion(int((races.chosen > 0).sum()), runs)
    after = np.where(races.chosen == 0, 0.0, np.maximum(horizon - races.took, 0.0))
    over = np.minimum(races.worse * np.minimum(1.0, horizon / races.took), horizon) + after
    return {
        "wrong": [round(one, 4) for one in (wrong.mean, wrong.low, wrong.high)],
        "decided": round(float((races.chosen >= 0).mean()), 3),
        "requests": [int(one) for one in np.percentile(races.took, [50, 90])],
        "worse": round(float(races.worse.sum() / races.took.sum()), 3),
        "worse_in": round(float(over.sum() / (horizon * runs)), 3),
    }


def measured(setting: Setting, runs: int, seed: int) -> dict[str, Any]:
    """All ways in one setting."""
    rng = np.random.default_rng(seed)
    if not setting.gap:
        return {"ours": alike(setting, runs, rng)}
    horizon = needed(setting)
    ours = raced(setting, by_bets(setting), runs, rng, most=LONGEST, adaptive=True)
    median = max(STEP, int(np.median(ours.took) / STEP) * STEP)
    few = max(runs // 4, 50)
    found = {
        "ours": (ours, runs),
        "fixed split": (raced(setting, by_bets(setting), few, rng, most=LONGEST, adaptive=False), few),
        "one test": (one_test(setting, runs, rng), runs),
        "hoeffding": (raced(setting, by_hoeffding(setting), few, rng, most=LONGEST, adaptive=True), few),
        "greedy": (greedy(setting, runs, rng, median), runs),
    }
    return {name: {**told(races, n, horizon), "n": n} for name, (races, n) in found.items()}


def alike(setting: Setting, runs: int, rng: np.random.Generator) -> dict[str, Any]:
    """How often the first of several that are alike is called beaten, with who is beaten leaving, and how often one is
    chosen at all.
    """
    races = raced(setting, by_bets(setting), runs, rng, most=ALIKE, adaptive=True)
    wrong = proportion(int((races.chosen > 0).sum() + (races.chosen == -2).sum()), runs)
    return {
        "wrong": [round(one, 4) for one in (wrong.mean, wrong.low, wrong.high)],
        "decided": round(float((races.chosen >= 0).mean()), 3),
        "n": runs,
    }


def races(runs: int, seed: int, *, quick: bool) -> Iterator[dict[str, Any]]:
    """The line of the simulations."""
    began, found = time.perf_counter(), dict[str, Any]()
    names = [name for name in SETTINGS if not quick or "2 points" not in name]
    for number, name in enumerate(names):
        found[name] = measured(SETTINGS[name], runs, seed + number)
        print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    worst = max((one["ours"]["wrong"] for one in found.values()), key=lambda wrong: wrong[2])
    yield {
        "bar": "best arm",
        "value": worst[0],
        "interval": worst[1:],
        "n": runs,
        "goal": ALPHA,
        "met": worst[2] <= ALPHA,
        "settings": found,
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Print a line per part."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--quick", action="store_true")
    words.add_argument("--part", choices=("races", "live"), default="")
    words.add_argument("--runs", type=int, default=0)
    words.add_argument("--seed", type=int, default=11)
    args = words.parse_args()
    if args.part != "live":
        for line in races(args.runs or (200 if args.quick else 2000), args.seed, quick=args.quick):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
