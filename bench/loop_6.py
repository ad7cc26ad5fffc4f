"""Bar loop.6: how often the watcher alarms while nothing moves, and how soon it does once something has.

    python bench/loop_6.py [--pool POOL.npz] [--streams 1000] [--delays 20] [--quick] [--seed 0]

A stream is 5,000 requests drawn independently from a pool (of a real model, or the invented one of `pool.py`), given in
batches to the same `Watcher` that production runs, with its default threshold. Each stream has its own calibration;
index and stream share no row of the pool. Prints one JSON line; `value` is the exact one-sided upper 95 % bound of the
share of streams with an alarm, `interval` the exact 95 % interval of that share. `delays` says how soon each of the
three changes of the built-in traffic is noticed (`delays.py`); quick runs leave it out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from delays import delays
from numpy.typing import NDArray
from pool import synthetic

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import vectors
from homeostat.monitor.reference import split
from homeostat.monitor.watch import Watcher
from homeostat.stats.intervals import proportion, upper_bound
from homeostat.types.interaction import Interaction

GOAL = 0.02
REQUESTS, CALIBRATION, INDEX, BATCH = 5_000, 500, 500, 250
# Streams that share one draw of the index.
PER_INDEX = 25


def interactions(confidence: NDArray[np.floating], embedding: NDArray[np.float16]) -> list[Interaction]:
    """One interaction per row, whose time is its row number."""
    return [
        Interaction(
            id=f"int_{row}", task="bench", time=float(row), text="", reply="", version="ver_bench",
            confidence=float(sure), embedding=vector.tobytes(),
        )
        for row, (sure, vector) in enumerate(zip(confidence, embedding, strict=True))
    ]  # fmt: skip


def alarms(watcher: Watcher, stream: Sequence[Interaction]) -> Iterator[float]:
    """Times of the alarms of a stream."""
    for at in range(0, len(stream), BATCH):
        yield from (signal.time for signal in watcher.update(stream[at : at + BATCH]))


def false_alarm(pool: Sequence[Interaction], index: NDArray[np.float32], seed: int) -> bool:
    """Whether a watcher alarms on a stream that is drawn like its calibration."""
    rows = np.random.default_rng([seed, 1]).integers(0, len(pool), CALIBRATION + REQUESTS)
    drawn = [pool[row] for row in rows]
    watcher = Watcher.start("bench", index, drawn[:CALIBRATION], Monitor(seed=seed))
    return any(True for _ in alarms(watcher, drawn[CALIBRATION:]))


def count(pool: Sequence[Interaction], streams: int, seed: int) -> int:
    """How many of so many drift-free streams alarm."""
    total = 0
    for at in range(streams):
        if at % PER_INDEX == 0:
            order = np.random.default_rng([seed, 2, at]).permutation(len(pool))
            index, rest = vectors([pool[i] for i in order[:INDEX]]), [pool[i] for i in order[INDEX:]]
            print(f"\r{at} of {streams} streams, {total} alarms", end="", file=sys.stderr, flush=True)
        total += false_alarm(rest, index, seed * 1_000_003 + at)
    print(f"\r{streams} of {streams} streams, {total} alarms", file=sys.stderr)
    return total


def delay(
    confidence: NDArray[np.floating], embedding: NDArray[np.float16], onset: int, settings: Monitor | None = None
) -> int | None:
    """Requests from the change at row `onset` to the first alarm, the alarm's own included; None if there is none.

    Rows are requests in their order. A random half of the first two thirds before the change is the index, the other
    half the calibration; the last third is watched, so that the statistic is where it would be in production. An alarm
    before the change does not count: the statistic begins anew.
    """
    knobs = settings or Monitor()
    rows = interactions(confidence, embedding)
    known = onset * 2 // 3
    index, calibration = split(rows[:known], knobs.seed)
    watcher = Watcher.start("bench", index, calibration, replace(knobs, min_reference=10))
    return next((int(at) - onset + 1 for at in alarms(watcher, rows[known:]) if at >= onset), None)


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", help=".npz with confidence[rows] and embedding[rows, hidden] of a real model")
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--delays", type=int, help="seeds of every kind of change; 20, or none if quick")
    parser.add_argument("--quick", action="store_true", help="200 streams")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, n = time.perf_counter(), 200 if args.quick else args.streams
    if args.pool:
        with np.load(args.pool) as arrays:
            confidence, embedding = arrays["confidence"], arrays["embedding"].astype(np.float16)
    else:
        confidence, embedding = synthetic(8000, args.seed)
    alarmed = count(interactions(confidence, embedding), n, args.seed)
    share, bound = proportion(alarmed, n), upper_bound(alarmed, n)
    line = {
        "bar": "loop.6",
        "value": round(bound, 5),
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": n,
        "goal": GOAL,
        "met": bool(bound <= GOAL),
        "seconds": round(time.perf_counter() - began, 1),
        "alarms": alarmed,
        "quick": args.quick,
        "pool": "given" if args.pool else "invented",
    }
    seeds = (0 if args.quick or args.pool else 20) if args.delays is None else args.delays
    if seeds:
        line |= {"delays": delays(seeds), "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
