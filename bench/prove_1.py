"""Bar prove.1: a gate that is looked at after every row promotes by luck at most alpha of the time, and stays strong.

    python bench/prove_1.py [--quick] [--runs 10000] [--seed 1]

Paired rows of right and wrong are drawn anew with a discordance of 0.05, 0.1 and 0.2. At the boundary of the null
(a true difference of 0 for "better", of minus the margin of 2 points for "not worse") each run is looked at after every
one of 10,000 rows; `false` is the share that is ever promoted. Then the candidate is truly better by 3 points, or truly
the same, and `cost` is the number of rows by which 80 % are promoted over that of the power table for one look.

`curves` stand beside it at a discordance of 0.1 and 1.3 times the table's rows: the share promoted by the e-process of
the plan (`planned`) and the one without a plan (`open`), both looked at after every row; by the exact test looked at
once at the table's rows (`once`); by a score test looked at every 50 rows without correction (`peeking`); by a
threshold on the mean, looked at once at the end (`raw`); and by Hoeffding's bound, valid at every row (`hoeffding`).

`value` is the largest share of false promotions at alpha 0.05 with its exact interval; the bar: every share is at
most its alpha, and every cost at most 1.3. The 400 runs of `--quick` cannot tell 0.05 from 0.07, so they often miss it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.stats.eprocess import GRID
from homeostat.stats.intervals import proportion
from homeostat.stats.paired import mcnemar_superiority, noninferiority, tango
from homeostat.stats.planned import Plan, Planned
from homeostat.stats.power import needed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GOAL, WITHIN, LOOKS, EVERY = 0.05, 1.3, 10_000, 50
DISCORDANCES, ALPHAS = (0.05, 0.1, 0.2), (0.05, 0.01)
CLAIMS = {"better": (0.0, 0.03), "not worse": (0.02, 0.0)}
"""Claim -> margin, and the true gain at which it should be shown."""
STEPS = {"better": (0.0, 0.01, 0.02, 0.03, 0.04), "not worse": (-0.02, -0.01, 0.0, 0.01, 0.02)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One claim at one discordance and level."""

    claim: str
    discordance: float
    alpha: float
    table: int
    """Rows that the power table asks for."""
    false: list[float]
    """Share promoted at the boundary of the null, with its exact interval."""
    cost: float | None
    """None where 80 % were not reached."""
    power: list[float]
    """Share promoted within 1.3 times the table's rows, with its exact interval."""


def drawn(rng: np.random.Generator, discordance: float, gain: float, runs: int) -> Floats:
    """One row of each run: candidate minus champion."""
    luck = rng.random(runs)
    win = (discordance + gain) / 2
    return (luck < win).astype(np.float64) - ((luck >= win) & (luck < discordance))


def promoted_at(plan: Plan, margin: float, gain: float, rows: int, rng: np.random.Generator, runs: int) -> Floats:
    """The row at which each run is promoted, looked at after every row; infinite where it never is."""
    games, at = Planned(np.full(runs, -margin), plan), np.full(runs, np.inf)
    for row in range(1, rows + 1):
        games.update(drawn(rng, plan.square, gain, runs))
        at[(games.p <= plan.alpha) & np.isinf(at)] = row
    return at


def share(values: NDArray[np.bool_]) -> list[float]:
    """A share with its exact interval."""
    found = proportion(int(values.sum()), len(values))
    return [round(x, 4) for x in (found.mean, found.low, found.high)]


def cells(runs: int, looks: int, rng: np.random.Generator) -> Iterator[Cell]:
    """Every claim, discordance and level."""
    for claim, (margin, gain) in CLAIMS.items():
        for discordance in DISCORDANCES:
            for alpha in ALPHAS:
                table = needed(discordance, gain, margin, alpha)
                rows = int(WITHIN * table)
                plan = Plan(rows=rows, alpha=alpha, square=discordance)
                null = promoted_at(plan, margin, -margin, looks, rng, runs)
                true = promoted_at(plan, margin, gain, rows, rng, runs)
                reached = float(np.quantile(true, 0.8, method="inverted_cdf"))
                cell = Cell(
                    claim=claim, discordance=discordance, alpha=alpha, table=table, false=share(np.isfinite(null)),
                    cost=round(reached / table, 3) if np.isfinite(reached) else None, power=share(np.isfinite(true)),
                )  # fmt: skip
                print(json.dumps(asdict(cell)), file=sys.stderr, flush=True)
                yield cell


def curve(claim: str, gain: float, runs: int, rng: np.random.Generator) -> dict[str, list[float]]:
    """Way -> share promoted with its exact interval, on the same rows, at a discordance of 0.1 and alpha 0.05."""
    margin, aim = CLAIMS[claim]
    table = needed(0.1, aim, margin)
    rows = int(WITHIN * table)
    d = np.array([drawn(rng, 0.1, gain, runs) for _ in range(rows)])
    games = Planned(np.full(runs, -margin), Plan(rows=rows))
    games.extend(d)
    wins, losses = (d > 0).cumsum(axis=0), (d < 0).cumsum(axis=0)
    looked = np.arange(EVERY, rows + 1, EVERY) - 1
    scores = np.array([tango(wins[k], losses[k], int(k) + 1, -margin) for k in looked])
    return {
        "planned": share(games.p <= GOAL),
        "open": share(_open(d + margin) >= -np.log(GOAL)),
        "once": share(_once(wins[table - 1], losses[table - 1], table, margin)),
        "peeking": share((scores >= stats.norm.isf(GOAL)).any(axis=0)),
        "raw": share(d.mean(axis=0) > -margin),
        "hoeffding": share(_hoeffding(d + margin) >= -np.log(GOAL)),
    }


def _open(x: Floats) -> Floats:
    """The highest logarithm of the wealth of `stats.eprocess.Betting`, per run: its stakes, side by side."""
    logs, best = np.zeros((len(GRID), x.shape[1])), np.full(x.shape[1], -np.inf)
    for row in x:
        logs += np.log1p(np.array(GRID)[:, None] * row)
        best = np.maximum(best, np.log(np.exp(logs).mean(axis=0)))
    return best


def _hoeffding(x: Floats) -> Floats:
    """The same with what Hoeffding's inequality allows to bet on differences that are known to lie in [-1, 1]."""
    sums, stakes = x.cumsum(axis=0), np.array(GRID)
    rows = np.arange(1, len(x) + 1)[:, None]
    wealth = sum(np.exp(stake * sums - rows * stake**2 / 2) for stake in stakes) / len(stakes)
    return np.asarray(np.log(wealth).max(axis=0), dtype=np.float64)


def _once(wins: Ints, losses: Ints, n: int, margin: float) -> NDArray[np.bool_]:
    """Whether the gate's exact test shows the claim. At given losses more wins never hurt: the fewest are looked up."""

    def shows(won: int, lost: int) -> bool:
        d = np.repeat([1.0, -1.0, 0.0], [won, lost, n - won - lost])
        return (noninferiority(d, margin) if margin else mcnemar_superiority(won, lost)) <= GOAL

    @cache
    def fewest(lost: int) -> int:
        return bisect_left(range(min(n - lost, lost + 200)), True, key=lambda won: shows(won, lost))

    return np.array([won >= fewest(int(lost)) for won, lost in zip(wins, losses, strict=True)])


def summary(found: list[Cell], curves: dict[str, Any], runs: int, looks: int, seconds: float) -> dict[str, Any]:
    """The bar's line."""
    worst = max((cell.false for cell in found if cell.alpha == GOAL), key=lambda one: one[0])
    held = all(cell.false[0] <= cell.alpha for cell in found)
    costs = [cell.cost for cell in found if cell.cost is not None]
    cost = max(costs) if len(costs) == len(found) else None
    return {
        "bar": "prove.1",
        "value": worst[0],
        "interval": worst[1:],
        "n": runs,
        "goal": GOAL,
        "met": held and cost is not None and cost <= WITHIN,
        "seconds": round(seconds, 1),
        "looks": looks,
        "cost": cost,
        "cells": [asdict(cell) for cell in found],
        "curves": curves,
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="400 runs of 1,000 looks: not the bar, but a look at it")
    parser.add_argument("--runs", type=int, default=10_000, help="of each claim, discordance and level")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began, rng = time.perf_counter(), np.random.default_rng(args.seed)
    runs, looks = (400, 1000) if args.quick else (args.runs, LOOKS)
    found = list(cells(runs, looks, rng))
    curves = {
        claim: {f"{gain:+.2f}": curve(claim, gain, min(runs, 2000), rng) for gain in gains}
        for claim, gains in STEPS.items()
    }
    line = summary(found, curves, runs, looks, time.perf_counter() - began)
    print(json.dumps(line | {"quick": args.quick}))


if __name__ == "__main__":
    main()
