"""Does a backtest whose versions were really trained foretell better what adapters cost live than one by heads?

    python bench/retrained.py [--quick] [--only STREAM ...] [--moments 3] [--seed 50] [--cache DIR] [--kept DIR]

Not a bar: the part of `watch.5` that trains adapters, foretold in two ways. On two streams six policies are lived
through at three prices, the built-in model fine-tuned whenever a policy says so (`watch_5.py`, whose lives are taken
from its cache where they are there). From the other half of the requests, which were logged, `homeostat backtest`'s own
path foretells what they cost: by heads alone, and, as after `backtest train careful`, by a first version and a few.
Printed for each way: the rank correlation with what came, as in `watch.5`; how far costs are off in the median (of
policies and prices); and how far a reply's chance to be right is off, for the first champion. `interval` is the range
over streams, of which there are two. `--quick` takes one stream and one version.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from watch_5 import (
    ADAPTED,
    EPOCHS,
    MONITOR,
    PRICES,
    TASK,
    TURNS,
    WITH_ADAPTERS,
    came_of,
    correlation,
    costs_of,
    policies,
    ranks,
    shortened,
    write,
)

from homeostat.config.schema import Config, Store, Tasks, Train
from homeostat.decide.replay.history import History
from homeostat.loop.backtests.backtest import answered, recorded
from homeostat.loop.backtests.retrained import Wish, foretell, retrained
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.train.named import named
from homeostat.types.task import Kind


def histories(variant: Any, args: argparse.Namespace, kept: Path) -> tuple[dict[str, History], dict[str, Any]]:
    """The log as a history by heads and by versions, and what is told of these. Versions are kept in a folder."""
    with TemporaryDirectory() as folder:
        config = Config(
            project="bench",
            folder=str(kept),
            store=Store(url=f"sqlite:///{folder}/log.db", blobs=f"{folder}/blobs"),
            tasks={TASK: Tasks()},
            train=Train(epochs=EPOCHS),
        )
        with closing(Workshop.open(config)) as shop:
            write(shop.store, variant, args.seed)
            record, task = recorded(shop.store, TASK), shop.config.task(TASK)
            heads = answered(record, partial(right, Kind.LABEL), steps=TURNS)
            wish = Wish(recipe=named("careful", config.train), moments=args.moments)
            plan = foretell(shop, task, record, heads, wish)
            said = partial(print, file=sys.stderr, flush=True)
            said(f"{variant.name}: {plan.price}")
            found = retrained(shop, record, heads, wish, plan, lambda done, of, note: None)
    both = {"heads": heads.history(MONITOR), "versions": found.answered.history(MONITOR)}
    told = {"foretold_cpu_s": plan.price.cpu_s, "cpu_s": found.cpu_s, "share": vars_of(found.share)}
    versions = [{"step": m.step, "rows": m.rows, "right": vars_of(m.right), "head": m.head} for m in found.made]
    return both, {**told, "made": versions}


def vars_of(score: Any) -> list[float]:
    """A score as numbers."""
    return [round(float(one), 4) for one in (score.mean, score.low, score.high, score.n)]


def measured(stream: str, args: argparse.Namespace) -> dict[str, Any]:
    """One stream: both ways beside what came."""
    variant, life = shortened(stream, args)
    both, told = histories(variant, args, args.kept / stream)
    came, found = came_of(life), dict[str, Any]()
    for way, past in both.items():
        costs = costs_of(past, policies(float(np.diff(past.times).mean())), len(variant.live))
        wanted = {price: {name: costs[price][name] for name in WITH_ADAPTERS} for price in PRICES}
        off = [abs(wanted[p][name] / came[p][name] - 1.0) for p in PRICES for name in WITH_ADAPTERS]
        first = float(past.quality[0] @ past.requests / past.requests.sum())
        found[way] = {
            "correlation": round(correlation([ranks(wanted, came)]), 3),
            "off": round(float(np.median(off)), 3),
            "never_off": round(abs((1.0 - first) - came[PRICES[0]]["never"]), 3),
        }
    return {**found, **told}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one stream, one version")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--only", nargs="*", default=ADAPTED, help="streams to take")
    parser.add_argument("--moments", type=int, default=3, help="versions after the first")
    parser.add_argument("--seed", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=Path("build/adaptation/watch5"), help="where lives are kept")
    parser.add_argument("--kept", type=Path, default=Path("build/adaptation/retrained"), help="where versions are kept")
    args = parser.parse_args()
    if args.quick:
        args.only, args.moments = args.only[:1], 1
    began, streams = time.perf_counter(), {}
    for stream in args.only:
        streams[stream] = measured(stream, args)
        print(json.dumps({stream: streams[stream]}), file=sys.stderr, flush=True)
    by = {way: [one[way]["correlation"] for one in streams.values()] for way in ("heads", "versions")}
    line = {
        "retrained": float(np.mean(by["versions"])),
        "interval": [min(by["versions"]), max(by["versions"])],
        "by_heads": float(np.mean(by["heads"])),
        "n": len(streams),
        "streams": streams,
        "seconds": round(time.perf_counter() - began),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
