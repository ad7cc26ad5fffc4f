"""Bar watch.1: how often the watcher alarms falsely: on shuffled real traffic, and on traffic that comes by seasons.

    python bench/watch_1.py [--quick] [--c 2000] [--small 500] [--expected 100] [--streams DIR] [--seed 0]

Channels, replies and labels are a real classifier's on CLINC150, HWU64 and titles of arXiv (`channels.py`). Nothing
ever moves, so every alarm is false. A detector that is set to c rows is given so many rows that it may alarm `expected`
times, a look after every row. A stream is a shuffle of the pool without replacement where it is long enough for five
times c, and is drawn with replacement otherwise. A run length is rows divided by alarms; its 95 % interval is the wider
of the Poisson one and a bootstrap over streams (whose luck with a reference is shared by all their alarms).

Detectors: `quick`, `fixed`, `slices` and `proportions` each at c of their own, `loss`, which is dear, at a quarter of
it; `all` is the three for requests as the watcher runs them, sharing one c. A `fixed` row counts once it has its
reference.

Traffic that is not exchangeable, weeks of it, to `all`, with what is shipped for it and (`plain`) without. `season`:
volume, and which topics ask, follow the hour and the weekend. `bursts`: some requests are sent again up to a thousand
times in a row. `copies`: half of the traffic from forty requests, a health check at each tenth row, and each day
another request that is a third of the day's. Beside them and not of the bar, `runs`: 50 to 200 rows in which 60 % are
about one topic, of requests that differ; nothing is shipped against these. `proportions` has a count
of its own there, too.

`value` is the least lower bound of a run length in units of c, of the detectors on shuffled traffic. The bar: 0.8 for
each of them, at most 3 for `quick`; and 0.5 for `season`, `bursts` and `copies`. `peers`: rows to a false alarm of
classical detectors at their usual settings on the rank of confidence among a thousand rows, on shuffled traffic.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from channels import DATA, STREAMS, Floats, Ints, Pool, pool
from scipy import stats

from homeostat.config.schema import Monitor
from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.copies import Copies
from homeostat.monitor.detectors.fixed import ROWS, FixedReference
from homeostat.monitor.detectors.loss import LossDetector
from homeostat.monitor.detectors.proportions import Proportions
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets
from homeostat.monitor.detectors.sliced import Sliced
from homeostat.monitor.groups import Groups
from homeostat.monitor.opinion import ranked_in
from homeostat.monitor.traffic import Traffic

KNOWN, BATCH, CHUNK, SEGMENTS = 300, 50, 1_000, 4
PER_WEEK, WEEK_S = 10_000, 604_800.0
LEAST, MOST, BROKEN, DEAR = 0.8, 3.0, 0.5, 4
NAMES = tuple(STREAMS)


@dataclass(slots=True)
class Runs:
    """Rows and false alarms of a detector, per stream."""

    rows: list[int] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)

    def add(self, rows: int, alarms: int) -> None:
        """Another stream."""
        self.rows.append(rows)
        self.alarms.append(alarms)

    def line(self, c: float, seed: int = 0) -> dict[str, object]:
        """Run length in units of c, with interval, and what it was counted from."""
        n, found = sum(self.rows), sum(self.alarms)
        low, high = (
            2 / stats.chi2.ppf(0.975, 2 * found + 2),
            2 / stats.chi2.ppf(0.025, 2 * found) if found else math.inf,
        )
        lots = np.random.default_rng(seed).integers(0, len(self.rows), (2000, len(self.rows)))
        drawn = np.array(self.alarms)[lots].sum(axis=1) / np.array(self.rows)[lots].sum(axis=1)
        most, least = np.quantile(drawn, [0.975, 0.025])
        low, high = min(low * n, 1 / most if most else math.inf), max(high * n, 1 / least if least else math.inf)
        whole = n / found / c if found else None
        ends = [round(float(low / c), 3), round(float(high / c), 3) if math.isfinite(high) else None]
        return {
            "run": whole and round(whole, 3),
            "interval": ends,
            "rows": n,
            "alarms": found,
            "streams": len(self.rows),
        }


def drawn(of: Pool, rows: int, rng: np.random.Generator) -> Ints:
    """Rows of a pool in no order: without replacement where there are enough."""
    if rows <= len(of):
        return rng.permutation(len(of))[:rows]
    return rng.integers(0, len(of), rows)


def quick(of: Pool, rows: Ints, c: float, rng: np.random.Generator) -> tuple[int, int]:
    """Rows and alarms of the e-detector against everything before."""
    reference, detector, scores = of.reference(), ShiryaevRoberts(2 * BETS, c), of.scores[rows]
    reference.learn(scores[:KNOWN], np.zeros(KNOWN))
    u, alarms = 1 - rng.random((len(rows), 2)), 0
    for at in range(KNOWN, len(rows), CHUNK):
        some = slice(at, at + CHUNK)
        logs, done = log_bets(reference.rank(scores[some], u[some], np.zeros(len(scores[some])))), 0
        while done < len(logs):
            levels, alarm = detector.scan(logs[done:], np.zeros(len(logs)))
            done, alarms = done + len(levels), alarms + (alarm is not None)
    return len(rows) - KNOWN, alarms


def fixed(of: Pool, rows: Ints, c: float, rng: np.random.Generator) -> tuple[int, int]:
    """Those of the e-detector against a fixed reference; rows that are its reference do not count."""
    detector = FixedReference(of.reference().edges, c, int(rng.integers(1 << 30)))
    scores, u, at, alarms, counted = of.scores[rows], 1 - rng.random((len(rows), 2)), 0, 0, 0
    while at < len(rows):
        learning = detector.learned < ROWS
        some = slice(at, at + CHUNK)
        taken, alarm = detector.take(scores[some], u[some], np.zeros(len(scores[some])))
        at, alarms, counted = at + taken, alarms + (alarm is not None), counted + (0 if learning else taken)
    return counted, alarms


def slices(of: Pool, rows: Ints, c: float, rng: np.random.Generator) -> tuple[int, int]:
    """Those of the e-detector per slice, by topic and by a segment dealt by lot; alarms of one row are one."""
    detector, places = Sliced(of.reference().edges, c), of.places(rows, rng.integers(0, SEGMENTS, len(rows)))
    scores, u, alarms = of.scores[rows], 1 - rng.random((len(rows), 2)), 0
    for at in range(0, len(rows), CHUNK):
        some, done = slice(at, at + CHUNK), 0
        p, n = detector.rank(scores[some], u[some], places[some]), len(scores[some])
        while done < n:
            done, told = detector.scan(p, np.zeros(n), done, n)
            alarms += bool(told)
    return len(rows), alarms


def loss(of: Pool, rows: Ints, c: float, rng: np.random.Generator) -> tuple[int, int]:
    """Those of the detector on losses, in labels, by reply, by topic and by a segment dealt by lot."""
    detector = LossDetector(c, None, int(rng.integers(1 << 30)))
    places = of.places(rows, rng.integers(0, SEGMENTS, len(rows)))
    wrong, sure = of.wrong[rows].tolist(), (1.0 - of.scores[rows, 0]).tolist()
    names = [(f"reply={of.reply[k]}", *where) for k, where in zip(rows.tolist(), places, strict=True)]
    told = (detector.update(w, 0.0, where, p) for w, where, p in zip(wrong, names, sure, strict=True))
    return len(rows), sum(map(bool, told))


def proportions(of: Pool, rows: Ints, c: float, rng: np.random.Generator) -> tuple[int, int]:
    """Those of the detector of proportions, on groups of the index; rows that set its stakes count, as in a worker."""
    return len(rows), shifted(of, rows, _evenly(len(rows)), c, rng)


def shifted(of: Pool, rows: Ints, times: Floats, c: float, rng: np.random.Generator) -> int:
    """How often proportions alarm on rows of these times."""
    groups = _groups(of)
    detector = Proportions(int(groups.max()) + 1, c, first=KNOWN, seed=int(rng.integers(1 << 30)))
    return len(list(detector.take(groups[rows], times)))


@cache
def _groups(of: Pool) -> Ints:
    return Groups(of.index).of(of.interactions)


DETECTED: dict[str, Callable[[Pool, Ints, float, np.random.Generator], tuple[int, int]]] = {
    "quick": quick,
    "fixed": fixed,
    "slices": slices,
    "loss": loss,
    "proportions": proportions,
}


def watched(of: Pool, rows: Ints, times: Floats, c: float, rng: np.random.Generator) -> tuple[int, dict[str, int]]:
    """Rows, and alarms per detector (`""`: rows at which any alarmed) of the three together, as in the watcher."""
    traffic = Traffic(of.reference(), Monitor(false_alarm_every=int(c), seed=int(rng.integers(1 << 30))))
    places, found = of.places(rows, rng.integers(0, SEGMENTS, len(rows))), {"": 0, "cells": 1}
    for piece in traffic.take(of.scores[rows], times, places):
        found[""] += len({one.row for one in piece.raised})
        for one in piece.raised:
            found[one.detector] = found.get(one.detector, 0) + 1
    found["cells"] = traffic.reference.cells
    return len(rows), found


def season(of: Pool, weeks: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Weeks in which volume and topics follow the hour and the weekend."""
    topics = int(of.topic.max()) + 1
    peak, idle = rng.uniform(0, 24, topics), rng.normal(0, 0.7, topics)
    rows, times = [], []
    for hour in range(168 * weeks):
        weekend = hour % 168 >= 120
        volume = PER_WEEK / 168 * (1 + 0.8 * math.cos((hour - 14) * math.pi / 12)) * (0.5 if weekend else 1.2)
        weight = np.exp(2.0 * np.cos((hour - peak) * math.pi / 12) + idle * weekend)[of.topic]
        n = int(rng.poisson(volume))
        rows.append(rng.choice(len(of), n, p=weight / weight.sum()))
        times.append(np.sort(rng.uniform(hour, hour + 1, n)) * 3600.0)
    return np.concatenate(rows), np.concatenate(times)


def bursts(of: Pool, weeks: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Now and then a request is sent again and again, among the others."""
    out: list[int] = []
    burst, left = 0, 0
    while len(out) < weeks * PER_WEEK:
        if left and rng.random() < 0.7:
            out.append(burst)
            left -= 1
            continue
        out.append(int(rng.integers(len(of))))
        if not left and rng.random() < 1 / 400:
            burst, left = out[-1], min(1000, int(10 * (1 + rng.pareto(1.2))))
    return np.array(out), _evenly(len(out))


def copies(of: Pool, weeks: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Half from forty requests, a health check at each tenth row, each day another one that is a third of the day's."""
    n = weeks * PER_WEEK
    few, weight = rng.integers(0, len(of), 40), 1 / np.arange(1, 41)
    rows = np.where(rng.random(n) < 0.5, rng.choice(few, n, p=weight / weight.sum()), rng.integers(0, len(of), n))
    hot = rng.integers(0, len(of), 7 * weeks)[np.arange(n) * 7 * weeks // n]
    rows = np.where(rng.random(n) < 0.33, hot, rows)
    rows[::10] = few[0]
    return rows, _evenly(n)


def runs(of: Pool, weeks: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Stretches in which most requests, each another one, are about one topic."""
    n = weeks * PER_WEEK
    rows, at = rng.integers(0, len(of), n), 0
    while at < n:
        at, length = at + int(rng.exponential(1000)), int(rng.integers(50, 200))
        own = np.arange(at, min(at + length, n))
        about = np.flatnonzero(of.topic == of.topic[rng.integers(len(of))])
        own = own[rng.random(len(own)) < 0.6]
        rows[own], at = rng.choice(about, len(own)), at + length
    return rows, _evenly(n)


KINDS = {"season": season, "bursts": bursts, "copies": copies, "runs": runs}


def _evenly(n: int) -> Floats:
    return np.arange(n) * (WEEK_S / PER_WEEK)


def counted(of: Pool, rows: Ints) -> Ints:
    """Which rows are left when copies are passed over."""
    kept: list[int] = []
    sieve = Copies()
    for at in range(0, len(rows), CHUNK):
        kept += [at + k for k in sieve.fresh([of.interactions[r] for r in rows[at : at + CHUNK].tolist()])]
    return np.array(kept)


def exchangeable(pools: Sequence[Pool], c: float, expected: float, seed: int) -> dict[str, dict[str, object]]:
    """Detector -> run length at c on shuffled traffic."""
    out = {}
    for at, (name, detect) in enumerate(DETECTED.items()):
        found = Runs()
        own = c / DEAR if name == "loss" else c
        for number in _until(found, own * expected):
            of, rng = pools[number % len(pools)], np.random.default_rng([seed, at, number, int(own)])
            rows = len(of) if 5 * own <= len(of) else int(5 * own)
            found.add(*detect(of, drawn(of, rows, rng), own, rng))
        out[name] = {"c": own} | found.line(own)
        print(f"c={c:,.0f} {name}: {out[name]}", file=sys.stderr, flush=True)
    found = Runs()
    for number in _until(found, c * expected):
        of, rng = pools[number % len(pools)], np.random.default_rng([seed, 9, number, int(c)])
        rows = drawn(of, len(of) if 5 * c <= len(of) else int(5 * c), rng)
        n, alarms = watched(of, rows, _evenly(len(rows)), c, rng)
        found.add(n - KNOWN, alarms[""])
    out["all"] = found.line(c)
    print(f"c={c:,.0f} all: {out['all']}", file=sys.stderr, flush=True)
    return out


def broken(pools: Sequence[Pool], c: float, expected: float, seed: int) -> dict[str, dict[str, object]]:
    """Kind of traffic -> run length at c with what is shipped for it, and without."""
    out: dict[str, dict[str, object]] = {}
    for at, (kind, made) in enumerate(KINDS.items()):
        shipped, plain, shares, by, told = Runs(), Runs(), Runs(), {}, []
        for number in _until(shipped, c * expected / (4 if kind == "runs" else 1)):
            of, rng = pools[number % len(pools)], np.random.default_rng([seed, 20 + at, number])
            rows, times = made(of, max(6, round(5 * c / PER_WEEK)), rng)
            kept = counted(of, rows)
            _, alarms = watched(of, rows[kept], times[kept], c, rng)
            shipped.add(len(rows), alarms[""])
            shares.add(len(rows), shifted(of, rows[kept], times[kept], c, rng))
            told.append(alarms.pop("cells"))
            by = {name: by.get(name, 0) + alarms.get(name, 0) for name in {*by, *alarms} - {""}}
            if number % 4 == 0:
                plain.add(len(rows), watched(of, rows, np.zeros(len(rows)), c, rng)[1][""])
        out[kind] = shipped.line(c) | {"by": by, "hours_told_apart": told, "plain": plain.line(c)}
        out[kind]["proportions"] = shares.line(c)
        print(f"c={c:,.0f} {kind}: {out[kind]}", file=sys.stderr, flush=True)
    return out


def _until(found: Runs, rows: float) -> Iterator[int]:
    """Numbers of streams, until there are rows enough."""
    number = 0
    while sum(found.rows) < rows or number < len(NAMES):
        yield number
        number += 1


def peers(pools: Sequence[Pool], rows: int, seed: int) -> dict[str, dict[str, object]]:
    """Classical detectors at their usual settings -> rows to a false alarm."""
    out = {}
    for name in ("ks p<.05", "ks p<.001", "z>3", *DETECTORS.names()):
        found = Runs()
        for number in _until(found, rows):
            of, rng = pools[number % len(pools)], np.random.default_rng([seed, 40, number])
            column = of.scores[drawn(of, len(of), rng), 0]
            known, live = column[:1000], column[1000:]
            found.add(len(live), _classical(name, known, live))
        out[name] = found.line(1.0)
        print(f"{name}: {out[name]}", file=sys.stderr, flush=True)
    return out


def _classical(name: str, known: Floats, live: Floats) -> int:
    if name in DETECTORS.names():
        detector, ranks = DETECTORS.get(name)(), ranked_in(known, live)
        values = np.sqrt(12) * (ranks - 0.5) if detector.standard else ranks
        return sum(detector.update(value) for value in values.tolist())
    batches = live[: len(live) // BATCH * BATCH].reshape(-1, BATCH)
    if name == "z>3":
        z = (batches.mean(axis=1) - known.mean()) / (known.std() * math.sqrt(1 / BATCH + 1 / len(known)))
        return int((np.abs(z) > 3).sum())
    p = [stats.ks_2samp(known, batch, method="asymp").pvalue for batch in batches]
    return int((np.array(p) < float(name.partition("<")[2])).sum())


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="c of 1,000 and 250, a tenth of the alarms")
    parser.add_argument("--c", type=int, default=2_000)
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--expected", type=int, default=100, help="false alarms that each detector may raise")
    parser.add_argument("--streams", type=Path, default=DATA, help="where the streams lie")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, pools = time.perf_counter(), [pool(name, args.streams) for name in NAMES]
    c, small, expected = (1_000, 250, 10) if args.quick else (args.c, args.small, args.expected)
    shuffled = {str(each): exchangeable(pools, each, expected, args.seed) for each in (small, c)}
    not_so = broken(pools, c, expected, args.seed)
    lows = [line["interval"][0] for by in shuffled.values() for line in by.values()]  # type: ignore[index]
    tops = [by["quick"]["interval"][1] for by in shuffled.values()]  # type: ignore[index]
    rest = [not_so[kind]["interval"][0] for kind in ("season", "bursts", "copies")]  # type: ignore[index]
    worst = min((line for by in shuffled.values() for line in by.values()), key=lambda one: one["interval"][0])  # type: ignore[index]
    line = {
        "bar": "watch.1",
        "value": min(lows),
        "interval": worst["interval"],
        "n": sum(int(one["rows"]) for by in shuffled.values() for one in by.values()),  # type: ignore[call-overload]
        "goal": LEAST,
        "met": bool(min(lows) >= LEAST and all(top and top <= MOST for top in tops) and min(rest) >= BROKEN),
        "seconds": round(time.perf_counter() - began, 1),
        "shuffled": shuffled,
        "not_exchangeable": not_so,
        "peers": peers(pools, 6_000 if args.quick else 20_000, args.seed),
        "quick": args.quick,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
