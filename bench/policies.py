"""What policies of retraining cost on real streams, beside an oracle and the best calendar chosen in hindsight.

    python bench/policies.py [--streams DIR] [--only STREAM ...] [--seeds 3] [--share 0.3] [--steps 60]

Not a bar: the part of `watch.5` that asks how near the product's rule comes to the best possible over 64-fold
prices. A stream's history trains the first champion and its live rows are gone through in steps; of these a share is
labeled, and every label measures. Prices of a retraining are 5 to 320 wrong replies, where a step has as many requests
as the stream has rows in it. Prints a table, and the same as one line of JSON: cost in units of the oracle's, mean over
prices and seeds; `calendar` is the period that is best in hindsight at each price, of those of 1 to 60 steps.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from homeostat.config.schema import Monitor
from homeostat.decide.replay.history import History
from homeostat.decide.replay.policies import Make, Periodic, Policy, Prices
from homeostat.decide.replay.replay import policy_of, replay_made
from homeostat.loop.backtests.backtest import Labeled, Record, history
from homeostat.types.dataset import Example

STREAMS = ("clinc150_domains", "hwu64_scenarios", "arxiv_years")
NAMES = ("never", "always", "drift", "performance", "excess", "value", "square-root")
PRICES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
PERIODS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 60)
CALENDAR = "calendar"


def same(reply: str, target: str) -> float:
    """Right or wrong."""
    return float(reply == target)


def record(file: Path) -> Record:
    """A stream as a log: its history is what the first champion knows, its live rows are what was asked.

    Times are numbers of rows, so that a step of equal rows is one of equal time, and a period is one of steps.
    """
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    memory = [Example(text=r["text"], target=r["label"]) for r in rows if r["split"] == "history"]
    live = [row for row in rows if row["split"] == "live"]
    labeled = [Labeled(time=k, known=k, text=r["text"], target=r["label"]) for k, r in enumerate(live)]
    return Record(memory=memory, labeled=labeled, asked=np.arange(len(live), dtype=np.float64))


def every(steps: float) -> Make:
    """A calendar of a number of steps, whatever a step's length in time."""

    def make(prices: Prices) -> Policy:
        return Periodic(seconds=steps)

    return make


def ratios(past: History, price: float, look: float = 0.0) -> dict[str, float]:
    """Policy -> its cost in units of the oracle's; the best calendar in hindsight as one of them. A look at a fresh
    challenger costs so much of a retraining.
    """
    step = float(np.diff(past.times).mean())
    calendars = {f"every {n}": every(n * step - step / 2 + 30.0) for n in PERIODS}
    made = {name: policy_of(name) for name in NAMES} | calendars
    found = {each.policy: each.ratio for each in replay_made(past, Prices(retraining=price, look=look * price), made)}
    return {name: found[name] for name in NAMES} | {CALENDAR: min(found[name] for name in calendars)}


def run(file: Path, args: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Policy -> price -> its ratio of every seed."""
    logged, found = record(file), defaultdict[str, dict[str, list[float]]](lambda: defaultdict(list))
    for seed in range(args.seeds):
        told = np.random.default_rng(seed).random(len(logged.labeled)) < args.share
        began = time.perf_counter()
        past = history(logged, same, Monitor(false_alarm_every=10_000, seed=seed), steps=args.steps, told=told)
        for price in PRICES:
            for name, ratio in ratios(past, price, args.look).items():
                found[name][f"{price:g}"].append(ratio)
        print(f"{file.name} seed {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def show(stream: str, found: dict[str, dict[str, list[float]]], console: Console) -> dict[str, float]:
    """Print a stream's table; policy -> mean ratio."""
    table = Table(
        "policy", *(f"{price:g}" for price in PRICES), "mean", title=f"{stream}: cost in units of the oracle's"
    )
    means = {}
    for name, by in found.items():
        means[name] = float(np.mean(list(by.values())))
        table.add_row(name, *(f"{np.mean(by[f'{price:g}']):.3f}" for price in PRICES), f"{means[name]:.3f}")
    console.print(table)
    return means


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--only", nargs="*", default=STREAMS, help="streams to take")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the labeled rows")
    parser.add_argument("--share", type=float, default=0.3, help="of live rows that are labeled")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--look", type=float, default=0.0, help="price of a look, as a share of a retraining's")
    args = parser.parse_args()
    console, means = Console(stderr=True, highlight=False), dict[str, dict[str, float]]()
    for stream in args.only:
        means[stream] = show(stream, run(args.streams / f"{stream}.jsonl.gz", args), console)
    print(json.dumps({"policies": means, "mean": mean_of(list(means.values())), "seeds": args.seeds}))


def mean_of(means: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Policy -> mean over streams."""
    return {name: round(float(np.mean([each[name] for each in means])), 4) for name in (*NAMES, CALENDAR)}


if __name__ == "__main__":
    main()
