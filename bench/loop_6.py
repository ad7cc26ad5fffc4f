"""Bar loop.6: how often the watcher alarms while nothing moves, and how soon it does once something has.

    python bench/loop_6.py [--pool POOL.npz] [--streams 1000] [--delays 20] [--quick] [--seed 0]

A stream is 5,000 requests drawn independently from a pool (of a real model, or the invented one of `pool.py`), given in
batches to the same `Watcher` that production runs, with its default threshold. A share LABELED of the requests gets its
label, one of LABELS; what is wrong differs from label to label and stays as it is. Each stream has its own calibration;
index and stream share no row of the pool. Prints one JSON line; `value` is the exact one-sided upper 95 % bound of the
share of streams with an alarm, `interval` the exact 95 % interval of that share. `delays` says how soon each of the
three changes of the built-in traffic is noticed (`delays.py`); quick runs leave it out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from delays import delays
from numpy.typing import NDArray
from pool import synthetic

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import vectors
from homeostat.monitor.watch import Watcher
from homeostat.stats.intervals import proportion, upper_bound
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

GOAL = 0.02
REQUESTS, CALIBRATION, INDEX, BATCH = 5_000, 500, 500, 250
LABELED, LABELS = 0.4, tuple(f"label_{k}" for k in range(30))
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


def answered(rows: Sequence[Interaction], seed: int) -> list[tuple[Interaction, Feedback]]:
    """Each row with a label for its reply, and what the label should have been: some labels are often wrong."""
    rng = np.random.default_rng([seed, 3])
    shares, said, other = rng.random(len(LABELS)) * 0.5, *rng.integers(0, len(LABELS), (2, len(rows)))
    right = np.where(rng.random(len(rows)) < shares[said], other, said)
    return [
        (
            replace(row, reply=LABELS[said[k]]),
            Feedback(id=f"fbk_{k}", interaction=row.id, kind=FeedbackKind.LABEL, value=LABELS[right[k]], time=row.time),
        )
        for k, row in enumerate(rows)
    ]


def false_alarm(pool: Sequence[tuple[Interaction, Feedback]], index: NDArray[np.float32], seed: int) -> set[str]:
    """The detectors that alarm on a stream that is drawn like its calibration."""
    rng = np.random.default_rng([seed, 1])
    drawn = [pool[row] for row in rng.integers(0, len(pool), CALIBRATION + REQUESTS)]
    told = rng.random(len(drawn)) < LABELED
    calibration = [row for row, _ in drawn[:CALIBRATION]]
    watcher = Watcher.start("bench", index, calibration, Monitor(seed=seed), labels=LABELS)
    signals = []
    for at in range(CALIBRATION, len(drawn), BATCH):
        some = range(at, min(at + BATCH, len(drawn)))
        signals += watcher.update([drawn[k][0] for k in some])
        signals += watcher.update_labels([drawn[k] for k in some if told[k]])
    return {signal.detector for signal in signals}


def count(rows: Sequence[Interaction], streams: int, seed: int) -> Counter[str]:
    """How many of so many drift-free streams alarm (`""`), and by which detector."""
    total, pool = Counter({"": 0}), answered(rows, seed)
    for at in range(streams):
        if at % PER_INDEX == 0:
            order = np.random.default_rng([seed, 2, at]).permutation(len(pool))
            index, rest = vectors([rows[i] for i in order[:INDEX]]), [pool[i] for i in order[INDEX:]]
            print(f"\r{at} of {streams} streams, {total['']} alarms", end="", file=sys.stderr, flush=True)
        alarmed = false_alarm(rest, index, seed * 1_000_003 + at)
        total.update([*alarmed, ""] if alarmed else [])
    print(f"\r{streams} of {streams} streams, {total['']} alarms", file=sys.stderr)
    return total


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
    by = count(interactions(confidence, embedding), n, args.seed)
    alarmed = by.pop("")
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
        "by_detector": dict(by),
        "quick": args.quick,
        "pool": "given" if args.pool else "invented",
    }
    seeds = (0 if args.quick or args.pool else 20) if args.delays is None else args.delays
    if seeds:
        line |= {"delays": delays(seeds), "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
