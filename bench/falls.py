"""How soon a fall in quality that few requests meet is noticed in labels, and whether what is named is what fell.

    python bench/falls.py [--quick] [--runs 60] [--streams ../shared/data/streams] [--seed 0]

Real requests and a real classifier's replies (`channels.py`: CLINC150, HWU64, titles of arXiv), all of them labeled.
Segments (twenty), channels (three) and languages (one request in twenty in another one) are dealt by lot. After 2,500
labels seven tenths of the right replies turn wrong of: `tag`, one segment; `language`, the rarer language; `reply`,
labels that make up about a twentieth of the replies; or a twentieth of all right replies, of no slice (`all`). Noticed
is what is told within 2,500 more labels, at the threshold that is shipped.

Each stream is given to the detector of losses as it is shipped, by reply, tags and language, and to the same by reply
alone (`reply_only`), which is what it was told before. Of each: how many were noticed in time, the median of labels to
the first alarm with its bootstrap interval (null: not within 2,500), how often the slice that fell is among those told
of at once (`named`), and how many of those told of have not fallen (`wrong`). `before` counts alarms before the fall.

`value` is the share of falls in one segment or one language that are noticed and named, `interval` its exact 95 %
interval, the goal 90 %; met if the lower end is above it, and of what is told of at most a tenth has not fallen.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from channels import DATA, STREAMS, Floats, Ints, Pool, pool

from homeostat.config.schema import Monitor
from homeostat.monitor.detectors.loss import LossDetector
from homeostat.stats.intervals import proportion

KINDS = ("tag", "language", "reply", "all")
NAMED = KINDS[:2]
"""Those of the goal; of the others half as many streams are drawn."""
ONSET, AFTER = 2_500, 2_500
SEGMENTS, CHANNELS, FOREIGN, FELL, SPREAD = 20, 3, 0.05, 0.7, 0.05
GOAL, WRONG = 0.9, 0.1


@dataclass(frozen=True, slots=True)
class Stream:
    """Labeled rows, and what has fallen in them since ONSET."""

    wrong: Floats
    sure: Floats
    places: Sequence[tuple[str, ...]]
    """The reply first."""
    fallen: frozenset[str]
    """Names of the slices that have fallen; empty where all have."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the first alarm after the fall told."""

    delay: float
    """Labels since ONSET; infinite if there was none."""
    named: bool
    told: int
    wrong: int
    """Slices told of that have not fallen."""
    before: int
    """Alarms before the fall."""


def drawn(of: Pool, kind: str, rng: np.random.Generator) -> Stream:
    """A stream of one kind."""
    n = ONSET + AFTER
    rows = rng.permutation(len(of))[:n] if n <= len(of) else rng.integers(0, len(of), n)
    segment, channel = rng.integers(0, SEGMENTS, n), rng.integers(0, CHANNELS, n)
    language = np.where(rng.random(n) < FOREIGN, "de", "en")
    reply = np.array([of.reply[k] for k in rows.tolist()])
    moved, fallen = _moved(kind, segment, language, reply, rng)
    wrong = of.wrong[rows].copy()
    share = FELL if fallen else SPREAD
    wrong[(np.arange(n) >= ONSET) & moved & (rng.random(n) < share)] = 1.0
    places = [
        (f"reply={r}", f"segment={s}", f"channel={c}", f"language={one}")
        for r, s, c, one in zip(reply.tolist(), segment.tolist(), channel.tolist(), language.tolist(), strict=True)
    ]
    return Stream(wrong, 1.0 - of.scores[rows, 0], places, fallen)


def _moved(
    kind: str, segment: Ints, language: np.ndarray, reply: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, frozenset[str]]:
    """Which rows may fall, and the names of their slices."""
    if kind == "tag":
        hit = int(rng.integers(SEGMENTS))
        return segment == hit, frozenset({f"segment={hit}"})
    if kind == "language":
        return language == "de", frozenset({"language=de"})
    if kind == "reply":
        names, counts = np.unique(reply, return_counts=True)
        order = rng.permutation(len(names))
        chosen = names[order[: int(np.searchsorted(counts[order].cumsum(), FOREIGN * len(reply))) + 1]]
        return np.isin(reply, chosen), frozenset(f"reply={name}" for name in chosen.tolist())
    return np.ones(len(reply), dtype=bool), frozenset()


def heard(stream: Stream, seed: int, *, replies_only: bool) -> Heard:
    """What the detector tells of a stream."""
    detector, before = LossDetector(Monitor().false_alarm_every, None, seed), 0
    for row, (wrong, sure, places) in enumerate(
        zip(stream.wrong.tolist(), stream.sure.tolist(), stream.places, strict=True)
    ):
        told = detector.update(wrong, float(row), places[:1] if replies_only else places, sure)
        if told and row < ONSET:
            before += 1
        elif told:
            names = {alarm.slice for alarm in told}
            off = names - stream.fallen - {""} if stream.fallen else set()
            named = bool(names & stream.fallen) if stream.fallen else "" in names
            return Heard(row + 1 - ONSET, named, len(names), len(off), before)
    return Heard(float("inf"), False, 0, 0, before)


def summary(found: Sequence[Heard], seed: int) -> dict[str, object]:
    """Of one kind and one detector."""
    delays = np.array([one.delay for one in found])
    lots = np.random.default_rng(seed).integers(0, len(delays), (2000, len(delays)))
    medians = np.sort(np.median(delays[lots], axis=1))
    named = proportion(sum(one.named for one in found), len(found))
    return {
        "n": len(found),
        "noticed": int(np.isfinite(delays).sum()),
        "median": _finite(np.median(delays)),
        "interval": [_finite(medians[49]), _finite(medians[1949])],
        "named": [round(named.mean, 3), round(named.low, 3), round(named.high, 3)],
        "told": sum(one.told for one in found),
        "wrong": sum(one.wrong for one in found),
        "before": sum(one.before for one in found),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six streams of each kind")
    parser.add_argument("--runs", type=int, default=60, help="streams of each kind")
    parser.add_argument("--streams", type=Path, default=DATA, help="where the streams lie")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, names, kinds = time.perf_counter(), list(STREAMS), {}
    runs, good = 6 if args.quick else args.runs, 0
    told = wrong = 0
    for at, kind in enumerate(KINDS):
        both: tuple[list[Heard], list[Heard]] = ([], [])
        for run in range(runs if kind in NAMED else max(1, runs // 2)):
            of = pool(names[run % len(names)], args.streams)
            stream = drawn(of, kind, np.random.default_rng([args.seed, at, run]))
            for only, out in zip((False, True), both, strict=True):
                out.append(heard(stream, args.seed + run, replies_only=only))
        kinds[kind] = {
            name: summary(out, args.seed) for name, out in zip(("all_ways", "reply_only"), both, strict=True)
        }
        told, wrong = told + sum(one.told for one in both[0]), wrong + sum(one.wrong for one in both[0])
        good += sum(one.named for one in both[0]) if kind in NAMED else 0
        print(f"{kind}: {kinds[kind]}", file=sys.stderr, flush=True)
    found = proportion(good, 2 * runs)
    line = {
        "bar": "falls",
        "value": round(found.mean, 4),
        "interval": [round(found.low, 4), round(found.high, 4)],
        "n": 2 * runs,
        "goal": GOAL,
        "met": bool(found.low >= GOAL and wrong <= WRONG * told),
        "seconds": round(time.perf_counter() - began, 1),
        "quick": args.quick,
        "told": told,
        "wrong": wrong,
        "kinds": kinds,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
