"""How soon a change of proportions alone is found, beside others at the same rate of false alarms.

    python bench/mixed.py [--seeds 20] [--calm 40] [--check 20] [--streams DIR] [--seed 0] [--raw] [--quick]
                          [--only DETECTOR ...]

Requests of CLINC150 and HWU64 whose labels a ridge head was taught, with its scores as embeddings (`channels.py`),
drawn by topic in shares that differ from draw to draw, STEP_S apart. From request ONSET on the same topics come in
other shares: one grows by a tenth of all requests (*one*), the odds of three of the rarer half become threefold
(*three*), one of a tenth or more, or the commonest, comes no more (*gone*), or shares are dealt anew (*anew*).
*hours* is no change: topics follow the hour of the day all along.

`proportions` is the detector as the worker runs it: groups of the index, stakes by the first 300 requests, hours of the
day told apart. The peers compare the newest 200 or 500 requests with the first 1,000, every 50 requests: chi-square of
the same groups, or of the replies; MMD of the embeddings (Gaussian kernel, median width). `strangeness` is the
e-detector of confidence and distance, all that the worker had before.

Equal false alarms: for each stream of data and detector, the threshold is the least that at most one in twenty of
`calm` streams, as long, passes; `false` says how many of `check` others do. `shipped` is ours at
`monitor.false_alarm_every`. Delays are in requests from the change, medians with 95 % intervals by order statistics;
a change that is not found in AFTER requests is a miss, and longest. Prints a line of JSON; not a bar.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import contenders as seen
import numpy as np
from channels import DATA, Floats, Ints, Pool, pool
from watch_2 import median, threshold

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import vectors
from homeostat.monitor.detectors.proportions import Proportions
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets, log_mean
from homeostat.monitor.groups import Groups
from homeostat.monitor.shares import FIRST
from homeostat.stats.intervals import proportion

NAMES = ("clinc150_domains", "hwu64_scenarios")
KINDS = ("one", "three", "gone", "anew")
ONSET, AFTER, KNOWN, STEP_S, EVERY, RATE = 4_000, 3_000, 1_000, 60.0, 50, 0.05
OURS, SHIPPED = "proportions", "proportions, shipped"
Course = Callable[[Pool, Ints], Floats]


def drawn(of: Pool, kind: str, rng: np.random.Generator) -> Ints:
    """Rows of a stream."""
    topics = int(of.topic.max()) + 1
    before = rng.dirichlet(np.full(topics, 3.0))
    n, shares = ONSET + AFTER, np.tile(before, (ONSET + AFTER, 1))
    if kind == "hours":
        hour = np.arange(n) * STEP_S / 3600.0
        shares = shares * np.exp(1.5 * np.cos((hour[:, None] - rng.uniform(0, 24, topics)) * math.pi / 12))
    elif kind != "calm":
        shares[ONSET:] = moved(before, kind, rng)
    cumulated = (shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1)
    topic = np.minimum((cumulated < rng.random((n, 1))).sum(axis=1), topics - 1)
    rows = np.zeros(n, dtype=np.int64)
    for one in range(topics):
        own = topic == one
        rows[own] = rng.choice(np.flatnonzero(of.topic == one), int(own.sum()))
    return rows


def moved(before: Floats, kind: str, rng: np.random.Generator) -> Floats:
    """The shares after a change."""
    after, chosen = before.copy(), int(rng.integers(len(before)))
    if kind == "one":
        after = 0.9 * after
        after[chosen] += 0.1
    elif kind == "three":
        after[np.argsort(before)[rng.permutation(len(before) // 2)[:3]]] *= 3.0
    elif kind == "gone":
        after[int(rng.choice(np.flatnonzero(before >= min(0.1, before.max()))))] = 0.0
    else:
        after = rng.dirichlet(np.full(len(before), 3.0))
    return np.asarray(after / after.sum(), dtype=np.float64)


def proportions(of: Pool, rows: Ints) -> Floats:
    """Ours: the natural logarithm of its statistic, read every EVERY requests."""
    kinds = kinds_of(of)[rows]
    detector, out = Proportions(int(kinds.max()) + 1, math.inf, first=FIRST, seed=0), np.full(len(rows), -np.inf)
    times = STEP_S * np.arange(len(rows))
    for until in range(EVERY, len(rows) + 1, EVERY):
        some = slice(until - EVERY, until)
        list(detector.take(kinds[some], times[some]))
        out[until - 1] = detector.level
    return out


def strangeness(of: Pool, rows: Ints) -> Floats:
    """The e-detector of confidence and distance against all before."""
    reference, detector = of.reference(), ShiryaevRoberts(2 * BETS, math.inf)
    scores, u = of.scores[rows], 1 - np.random.default_rng(0).random((len(rows), 2))
    reference.learn(scores[:FIRST], np.zeros(FIRST))
    logs = log_bets(reference.rank(scores[FIRST:], u[FIRST:], np.zeros(len(rows) - FIRST)))
    levels, at = [], 0
    while at < len(logs):
        levels.append(log_mean(detector.scan(logs[at:], np.zeros(len(logs)))[0]))
        at += len(levels[-1])
    return np.concatenate([np.full(FIRST, -np.inf), *levels])


def chi_square(of: Pool, rows: Ints, *, replies: bool, window: int) -> Floats:
    """Pearson's statistic of the newest window and the known requests, over categories that either has five of."""
    kinds = (np.unique(of.reply, return_inverse=True)[1] if replies else kinds_of(of))[rows]
    known, out = np.bincount(kinds[:KNOWN], minlength=int(kinds.max()) + 1), np.full(len(rows), -np.inf)
    for until in range(KNOWN + window, len(rows) + 1, EVERY):
        newest = np.bincount(kinds[until - window : until], minlength=len(known))
        table = np.array([known, newest])[:, known + newest >= 5].astype(float)
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        out[until - 1] = ((table - expected) ** 2 / expected).sum()
    return out


def mmd(of: Pool, rows: Ints, *, window: int) -> Floats:
    """The statistic of contenders' MMD, on points of the index's space."""
    points = of.index.place(vectors(of.interactions))[rows]
    return seen.mmd(points, KNOWN, window)


_KINDS: dict[str, Ints] = {}


def kinds_of(of: Pool) -> Ints:
    """The group of each row of a pool."""
    if of.name not in _KINDS:
        _KINDS[of.name] = Groups(of.index).of(of.interactions)
    return _KINDS[of.name]


COURSES: dict[str, Course] = {OURS: proportions, "strangeness": strangeness}
for _window in (200, 500):
    COURSES[f"chi-square of groups, {_window}"] = partial(chi_square, replies=False, window=_window)
    COURSES[f"chi-square of replies, {_window}"] = partial(chi_square, replies=True, window=_window)
    COURSES[f"MMD, {_window}"] = partial(mmd, window=_window)


def delay(course: Floats, limit: float) -> float:
    """Requests from the change to the first above the limit; negative before it, infinite if there is none."""
    over = np.flatnonzero(course > limit)
    return float(over[0]) - ONSET + 1 if len(over) else math.inf


def measured(
    of: Pool, counts: tuple[int, int, int], seed: int, courses: Mapping[str, Course]
) -> dict[tuple[str, str], list[float]]:
    """(kind, detector) -> delays on one pool; `calm` and `hours` hold passages at any row."""
    seeds, calm, check = counts
    found: dict[tuple[str, str], list[float]] = {}
    sizes = {"calm": calm + check, "hours": check, **dict.fromkeys(KINDS, seeds)}
    streams = {
        kind: [drawn(of, kind, np.random.default_rng([seed, 31, NAMES.index(of.name), at, k])) for k in range(n)]
        for at, (kind, n) in enumerate(sizes.items())
    }
    for name, course in courses.items():
        passed = {kind: [course(of, rows) for rows in some] for kind, some in streams.items()}
        limits = {name: threshold([float(one.max()) for one in passed["calm"][:calm]], RATE)}
        if name == OURS:
            limits[SHIPPED] = math.log(Monitor().false_alarm_every)
        for called, limit in limits.items():
            for kind, some in passed.items():
                found[kind, called] = [delay(one, limit) for one in (some[calm:] if kind == "calm" else some)]
            told = {kind: median(found[kind, called])[0] for kind in KINDS}
            print(f"{of.name}: {called} over {limit:.4g}: {told}", file=sys.stderr, flush=True)
    return found


def table(found: dict[tuple[str, str], list[float]]) -> dict[str, dict[str, object]]:
    """Detector -> its delays per kind, and its false alarms."""
    out: dict[str, dict[str, object]] = {}
    for kind, name in found:
        delays = found[kind, name]
        row = out.setdefault(name, {})
        if kind in ("calm", "hours"):
            share = proportion(sum(not math.isinf(one) for one in delays), len(delays))
            row["false" if kind == "calm" else kind] = [round(x, 3) for x in (share.mean, share.low, share.high)]
            continue
        middle, low, high, n = median(delays)
        missed = sum(map(math.isinf, delays))
        row[kind] = [None if math.isinf(x) else x for x in (middle, low, high)] + [n, missed]
    return out


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the streams")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--calm", type=int, default=40)
    parser.add_argument("--check", type=int, default=20)
    parser.add_argument("--streams", type=Path, default=DATA, help="where the streams lie")
    parser.add_argument(
        "--raw", action="store_true", help="embeddings of n-grams, of which the head has learned nothing"
    )
    parser.add_argument("--only", nargs="*", choices=list(COURSES), metavar="DETECTOR", help="these alone")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, counts = time.perf_counter(), (args.seeds, args.calm, args.check)
    counts = (4, 20, 4) if args.quick else counts
    courses = {name: COURSES[name] for name in args.only or COURSES}
    pools: dict[tuple[str, str], list[float]] = {}
    for name in NAMES:
        for which, delays in measured(
            pool(name, args.streams, taught=not args.raw), counts, args.seed, courses
        ).items():
            pools[which] = pools.get(which, []) + delays
    seconds = round(time.perf_counter() - began, 1)
    print(
        json.dumps(
            {"quick": args.quick, "raw": args.raw, "seed": args.seed, "seconds": seconds, "detectors": table(pools)}
        )
    )


if __name__ == "__main__":
    main()
