"""A judge that changes is told from a system that errs more often, and quality by a judge is as sure as it says.

    python bench/judged.py [--quick] [--seed 100]

Ratings are a real rule's: how alike a reply and the request are to the rows of the reply's label, by letters and words
(a nearest-neighbor judge on hashed n-grams, as far from perfect as judges are); the system is a ridge head trained on
few rows, and right answers are those of the stream. So is everything that is drawn: which requests come, and who of
them is labeled. What happens to each run is one of

- `calm`: nothing;
- `worse`: from row 1,500 on the system is one that learned from a fifth of the rows;
- `mild`: from there on the judge forgives, half of what is missing to the best rating;
- `harsh`: from there on it takes a third off every rating;
- `prompt`: from there on it is another judge, that goes by words alone.

A tenth of the replies is labeled. `named` is the share of runs with a changed judge in which a signal names it within
4,500 rows; `delay` the median labeled pairs to it; `blamed` the share of runs in which a judge that did not change is
called changed (`calm`, `worse`); `z` what a z-test on batches of 100 ratings, at 1 %, says of the same two. `coverage`
is how often the interval of `quality` by the judge holds the truth of a window of 300, `refused` the share of windows
in which nothing is told, in all windows after the change.

`value` is `named`, the bar: at least 90 %, with `blamed` at most 5 %.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import read_stream
from homeostat.llm.features import grams
from homeostat.loop.listening.judges import regime
from homeostat.monitor.judge import JudgeDetector
from homeostat.monitor.quality.course import Told, course
from homeostat.stats.intervals import proportion
from homeostat.types.report import Score

Floats = NDArray[np.float64]
KINDS = ("calm", "worse", "mild", "harsh", "prompt")
ROWS, CHANGE, LABELED, WINDOW = 6_000, 1_500, 0.1, 300
NAMED, BLAMED = 0.90, 0.05


@dataclass(frozen=True, slots=True)
class World:
    """A stream in numbers."""

    features: Floats
    """float[rows, width], of unit length."""
    labels: NDArray[np.int64]
    """What is right for each row, counted from 0."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one run."""

    kind: str
    delay: int | None
    """Labeled pairs from the change to the first alarm after it; None without one."""
    false: bool
    """Whether a judge that had not changed was called changed."""
    z: bool
    """Whether a z-test on batches of ratings said so of one that had not."""
    inside: tuple[bool, ...]
    """Windows of which the judge told something, and whether the truth lay inside."""
    refused: int
    """Windows of which it told nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the line, and say by the exit code whether the bar is met."""
    given = _parser().parse_args(arguments)
    began, on, runs = time.perf_counter(), world(), 8 if given.quick else 40
    found = [
        run(on, kind, np.random.default_rng([given.seed, number, k]))
        for k, kind in enumerate(KINDS)
        for number in range(runs)
    ]
    line = {**_line(found), "seconds": round(time.perf_counter() - began, 1)}
    print(json.dumps(line))
    return 0 if line["met"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 runs of a kind instead of 40")
    parser.add_argument("--seed", type=int, default=100, help="of all draws; thresholds were chosen on seed 0")
    return parser


def world() -> World:
    """The built-in traffic."""
    rows, _ = read_stream(traffic_path())
    known = {label: k for k, label in enumerate(dict.fromkeys(row.label for row in rows))}
    return World(grams([row.text for row in rows], 1024), np.array([known[row.label] for row in rows]))


def run(world: World, kind: str, rng: np.random.Generator) -> Run:
    """One run of a kind."""
    order = rng.permutation(len(world.labels))
    taught, memory, other, live = np.split(order[: 1_300 + ROWS], [500, 900, 1_300])
    replies = _system(world, taught, live)
    if kind == "worse":
        replies[CHANGE:] = _system(world, taught[: len(taught) // 5], live[CHANGE:])
    ratings = _ratings(world, memory, live, replies)
    if kind == "mild":
        ratings[CHANGE:] += 0.5 * (1.0 - ratings[CHANGE:])
    if kind == "harsh":
        ratings[CHANGE:] *= 2 / 3
    if kind == "prompt":
        ratings[CHANGE:] = _ratings(world, other, live[CHANGE:], replies[CHANGE:], slope=6.0)
    return _watched(kind, ratings, (replies == world.labels[live]).astype(float), rng)


def _system(world: World, taught: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """What ridge regression on some rows replies to others."""
    x, y = world.features[taught], np.eye(int(world.labels.max()) + 1)[world.labels[taught]]
    weights = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)
    return np.asarray((world.features[asked] @ weights).argmax(1), dtype=np.int64)


def _ratings(
    world: World, memory: NDArray[np.int64], asked: NDArray[np.int64], replies: NDArray[np.int64], slope: float = 12.0
) -> Floats:
    """How a judge rates replies: by how much more a request is like rows of the reply's label than like any other."""
    alike = world.features[asked] @ world.features[memory].T
    own = world.labels[memory][None] == replies[:, None]
    mine, others = (np.where(of, alike, -1.0).max(1) for of in (own, ~own))
    return np.asarray(1.0 / (1.0 + np.exp(-slope * (mine - others))))


def _watched(kind: str, ratings: Floats, right: Floats, rng: np.random.Generator) -> Run:
    labeled = rng.random(ROWS) < LABELED
    detector, alarms, since, changed = JudgeDetector(seed=int(rng.integers(1 << 30))), [], [], kind not in KINDS[:2]
    for row in np.flatnonzero(labeled).tolist():
        if (found := detector.update(float(ratings[row]), float(right[row]), float(row))) is not None:
            alarms.append(row)
            since.append((found.alarm.since_time, float(row)))
    after = [row for row in alarms if row >= CHANGE]
    told = [
        Told(
            time=float(row),
            confidence=0.5,
            right=float(right[row]) if labeled[row] else None,
            judged=float(ratings[row]),
            regime=regime(since, float(row)),
        )
        for row in range(ROWS)
    ]
    windows = course(told, WINDOW)[CHANGE // WINDOW :]
    truth = right.reshape(-1, WINDOW).mean(1)[CHANGE // WINDOW :]
    scored = [(w.judged, t) for w, t in zip(windows, truth, strict=True) if w.judged is not None]
    return Run(
        kind=kind,
        delay=int(labeled[CHANGE : after[0] + 1].sum()) if changed and after else None,
        false=bool(alarms if not changed else [row for row in alarms if row < CHANGE]),
        z=_z(ratings) if not changed else False,
        inside=tuple(_inside(score, float(t)) for score, t in scored),
        refused=len(windows) - len(scored),
    )


def _inside(score: Score | None, truth: float) -> bool:
    return score is not None and score.low <= truth <= score.high


def _z(ratings: Floats) -> bool:
    """Whether the mean rating of any batch of 100 is another one than that of the first thousand, at 1 %."""
    first, batches = ratings[:1000], ratings[1000:].reshape(-1, 100)
    z = (batches.mean(1) - first.mean()) / np.sqrt(first.var() / 1000 + batches.var(1) / 100)
    return bool((np.abs(z) > stats.norm.isf(0.005)).any())


def _line(found: Sequence[Run]) -> dict[str, Any]:
    by = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    changed = [one for kind in KINDS[2:] for one in by[kind]]
    same = [one for kind in KINDS[:2] for one in by[kind]]
    named = proportion(sum(one.delay is not None for one in changed), len(changed))
    blamed = proportion(sum(one.false for one in found), len(found))
    windows = [inside for one in found for inside in one.inside]
    covered = proportion(sum(windows), len(windows))
    return {
        "bar": "judged",
        "value": round(named.mean, 4),
        "interval": [round(named.low, 4), round(named.high, 4)],
        "n": len(changed),
        "goal": f">= {NAMED} of changed judges named, at most {BLAMED} blamed wrongly",
        "met": named.mean >= NAMED and blamed.mean <= BLAMED,
        "blamed": [round(v, 4) for v in (blamed.mean, blamed.low, blamed.high)],
        "z": round(float(np.mean([one.z for one in same])), 4),
        "delay": {kind: _median([one.delay for one in by[kind]]) for kind in KINDS[2:]},
        "coverage": [round(v, 4) for v in (covered.mean, covered.low, covered.high)],
        "windows": len(windows),
        "refused": {
            kind: round(sum(o.refused for o in by[kind]) / sum(_windows(o) for o in by[kind]), 3) for kind in KINDS
        },
    }


def _windows(one: Run) -> int:
    return one.refused + len(one.inside)


def _median(delays: Sequence[int | None]) -> float | None:
    known = [float("inf") if delay is None else delay for delay in delays]
    return float(np.median(known)) if known else None


if __name__ == "__main__":
    sys.exit(main())
