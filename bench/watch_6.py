"""Bar watch.6: what the watcher costs per interaction, whether that grows with the stream, and what others cost.

    python bench/watch_6.py [--rows 30000] [--quick]

Interactions with an embedding of 256 numbers, a confidence and two tags go through a `Watcher` at its defaults, on one
core, with an index of 4,000 rows: distances, copies, ranks, hours, three detectors, trace and examples. Half of them
come in batches of 100, as a worker reads them, half one by one, a look after each. Seconds are the process's own.
`growth` compares the last tenth of the stream with the second: the median cost of a batch and of a look, and the
length of what is put down as JSON. Slices have been met by then, and counts have most of their places filled; what
remains must not grow. `value` is the largest of the three with its bootstrap interval; the bar: at most 1.25.

Beside it, what one number costs others, in the same run: the classical detectors of this package, river's where it is
installed, Kolmogorov–Smirnov and MMD (with permutations) on each batch of 50 against 1,000 rows. They get a score that
is there already; `scores_known` is the watcher's own cost without embeddings, for a fair comparison. Machines differ
and other work disturbs: compare within a run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.config.schema import Monitor
from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.detectors.batch.mmd import Mmd
from homeostat.monitor.watch import Watcher
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
HIDDEN, INDEX, BATCH, WINDOW, KNOWN = 256, 4_000, 100, 50, 1_000
GOAL = 1.25


def interactions(rows: int, seed: int, *, embedded: bool = True) -> list[Interaction]:
    """Requests in which nothing moves, ten thousand a week."""
    rng = np.random.default_rng(seed)
    sure, x = rng.beta(4, 1, rows), rng.normal(size=(rows, HIDDEN)).astype(np.float16)
    segment, language = rng.integers(0, 5, rows), rng.integers(0, 3, rows)
    return [
        Interaction(
            id=f"int_{k}", task="bench", time=60.0 * k, text=f"request {k}", reply="", version="ver_bench",
            confidence=float(sure[k]), embedding=x[k].tobytes() if embedded else b"",
            tags={"segment": str(segment[k]), "language": str(language[k])},
        )
        for k in range(rows)
    ]  # fmt: skip


def watched(rows: Sequence[Interaction], index: NDArray[np.float32]) -> Iterator[tuple[int, int, float, int]]:
    """For each call: the row after it, rows taken, seconds, and, at each thousandth row, the length of the state."""
    watcher, at = Watcher.start("bench", index, (), Monitor()), 0
    while at < len(rows):
        single = at // 1_000 % 2 == 1
        until = min(at + (1 if single else BATCH), len(rows))
        began = time.process_time()
        watcher.update(rows[at:until])
        taken = time.process_time() - began
        yield until, until - at, taken, len(json.dumps(watcher.state())) if until % 1_000 == 0 else 0
        at = until


def growth(calls: Sequence[tuple[int, int, float, int]], rows: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """What -> the last tenth of the stream in units of the second one, with a bootstrap interval."""
    tenth, rng, out = rows // 10, np.random.default_rng(seed), {}
    early = [call for call in calls if tenth < call[0] <= 2 * tenth]
    late = [call for call in calls if call[0] > rows - tenth]
    for name, n in (("batch", BATCH), ("look", 1)):
        a, b = (np.array([call[2] for call in some if call[1] == n]) for some in (early, late))
        lots = [np.median(rng.choice(b, len(b))) / np.median(rng.choice(a, len(a))) for _ in range(1000)]
        low, high = np.quantile(lots, [0.025, 0.975])
        out[name] = float(np.median(b) / np.median(a)), float(low), float(high)
    sizes = [np.mean([call[3] for call in some if call[3]]) for some in (early, late)]
    out["memory"] = (float(sizes[1] / sizes[0]),) * 3
    return out


def per_second(work: Callable[[], int]) -> float:
    """Rows a second."""
    began = time.process_time()
    rows = work()
    return round(rows / (time.process_time() - began), 1)


def peers(rows: int, seed: int) -> dict[str, float | None]:
    """Detector -> numbers a second."""
    rng = np.random.default_rng(seed)
    known, live = rng.random(KNOWN), rng.random(rows)
    out: dict[str, float | None] = {}
    for name in DETECTORS.names():
        detector = DETECTORS.get(name)()
        out[name] = per_second(lambda d=detector: len([d.update(x) for x in live.tolist()]))  # type: ignore[misc]
    for name in ("ADWIN", "PageHinkley", "KSWIN"):
        out[f"river {name}"] = _river(name, live)
    some = live[: rows // 10 // WINDOW * WINDOW].reshape(-1, WINDOW)
    out["ks, batches"] = per_second(lambda: WINDOW * len([stats.ks_2samp(known, b, method="asymp") for b in some]))
    few, test = some[: max(2, len(some) // 20)], Mmd()
    out["mmd, batches"] = per_second(lambda: WINDOW * len([test(known, b) for b in few]))
    return out


def _river(name: str, live: Floats) -> float | None:
    try:
        detector = getattr(importlib.import_module("river.drift"), name)()
    except ImportError:
        return None
    return per_second(lambda: len([detector.update(x) for x in live.tolist()]))


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 interactions")
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, n = time.perf_counter(), 10_000 if args.quick else args.rows
    index = np.random.default_rng(args.seed + 1).normal(size=(INDEX, HIDDEN)).astype(np.float32)
    calls = list(watched(interactions(n, args.seed), index))
    bare = list(watched(interactions(n // 5, args.seed, embedded=False), np.zeros((0, 0), np.float32)))
    grown = growth(calls, n, args.seed)
    print(grown, file=sys.stderr)
    worst = max(grown.values(), key=lambda one: one[0])
    speeds = {
        f"{name}, {what}": round(sum(c[1] for c in some if c[1] == size) / sum(c[2] for c in some if c[1] == size), 1)
        for name, some in (("watcher", calls), ("scores_known", bare))
        for what, size in (("batches of 100", BATCH), ("one by one", 1))
    }
    line = {
        "bar": "watch.6",
        "value": round(worst[0], 3),
        "interval": [round(worst[1], 3), round(worst[2], 3)],
        "n": n,
        "goal": GOAL,
        "met": bool(worst[0] <= GOAL),
        "seconds": round(time.perf_counter() - began, 1),
        "growth": {name: [round(x, 3) for x in found] for name, found in grown.items()},
        "state_bytes": next(call[3] for call in reversed(calls) if call[3]),
        "interactions_per_second": speeds,
        "numbers_per_second": peers(min(n, 20_000), args.seed),
        "quick": args.quick,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
