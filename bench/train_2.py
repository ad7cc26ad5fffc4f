"""Bar train.2: the exact head beside the same head fitted jointly, over CLINC150's domains as they come.

    python bench/train_2.py [--quick] [--streams DIR] [--base builtin] [--block 20] [--times 3] [--cache DIR]

Features are embeddings of the untouched base beside hashed n-grams, 1,536 together; the ridge is chosen on the history
by leaving one row out. Live rows are learned in blocks of `--block`, as the loop's shadow does, with fresh weights
after each. To be as fresh, a joint head sums up every row so far and solves, after each block; it is timed after some
of the blocks, and the others lie on straight lines between. Features are the same for both and counted for neither.

`value` is the incremental head's share of the joint head's processor time, `interval` the least and the greatest of
`--times` measurements; `phases` is that share where fresh weights are wanted at the ends of the stream's phases alone.
The bar: at most 5 %; weights within 1e-6 of the joint ones at every phase's end, after every random order, and when a
tenth of the rows has gone again; at every phase's end the joint head's label for every test row shown so far. `--quick`
takes every second row, two orders and one measurement. Embeddings are kept in `--cache`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from adaptation.courses import Course, Skipped, open_course
from adaptation.lab import TASK
from numpy.typing import NDArray
from transformers.utils.logging import disable_progress_bar

from homeostat.collect.stream import Split, StreamRow
from homeostat.llm.features import Features
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.head.choose import choose_ridge
from homeostat.train.head.ridge import RidgeHead

ROOT = Path(__file__).resolve().parents[1]
GOAL, EXACT = 0.05, 1e-6
POINTS = 8
"""Blocks after which the joint head is timed."""
ROWS = 64
"""Rows of one pass through the base."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows in the order in which they come."""

    features: Floats
    labels: Sequence[str]

    def part(self, where: Sequence[int] | range | np.ndarray) -> tuple[Floats, list[str]]:
        """Features and labels of some rows."""
        return self.features[where], [self.labels[k] for k in where]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far from the joint solution a head has come."""

    weights: float
    """Greatest difference of a weight."""
    other: int = 0
    """Test rows that are told otherwise."""
    right: float = 0.0
    """Share of the test rows that it tells right."""
    joint_right: float = 0.0


def embedded(base: str, rows: Sequence[StreamRow], cache: Path) -> Floats:
    """float64[rows, hidden]: what the base makes of each text, from the cache if these texts were embedded before."""
    named = hashlib.sha256(repr((base, [row.text for row in rows])).encode()).hexdigest()[:16]
    kept = cache / f"embeddings-{named}.npy"
    if not kept.exists():
        opened = open_model(base)
        renderer = Renderer(opened.tokenizer)
        rendered = [renderer.example(TASK, row.text, (0,)) for row in rows]  # what would follow is not looked at
        made = np.zeros((len(rows), opened.model.config.hidden_size))
        order = sorted(range(len(rows)), key=lambda k: len(rendered[k].ids))
        with torch.no_grad():
            for start in range(0, len(order), ROWS):
                some = order[start : start + ROWS]
                made[some] = predict(opened, [rendered[k] for k in some]).pooled.float().cpu().numpy()
        cache.mkdir(parents=True, exist_ok=True)
        np.save(kept, made)
    return np.asarray(np.load(kept), np.float64)


def batch(rows: Rows, held: Sequence[int] | range | np.ndarray, labels: Sequence[str], ridge: float) -> Floats:
    """float64[width, labels]: ridge regression on all rows at once, as one would write it down."""
    features, targets = rows.part(held)
    hot = np.equal.outer(np.array(targets), np.array(labels)).astype(float)
    system = features.T @ features + ridge * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(system, features.T @ hot))


def drift(head: RidgeHead, rows: Rows, held: Sequence[int] | range | np.ndarray, tests: Rows | None = None) -> Drift:
    """A head that should hold these rows beside the joint solution, and what both say of test rows."""
    joint, own = batch(rows, held, head.labels, head.ridge), head.weights()
    apart = float(np.abs(own - joint).max())
    if tests is None:
        return Drift(weights=apart)
    told, wanted = head.predict(tests.features), head.predict(tests.features, joint)
    right = [np.mean([a == b for a, b in zip(some, tests.labels, strict=True)]) for some in (told, wanted)]
    other = sum(a != b for a, b in zip(told, wanted, strict=True))
    return Drift(weights=apart, other=other, right=float(right[0]), joint_right=float(right[1]))


def shuffled(rows: Rows, ridge: float, seed: int) -> Iterator[Drift]:
    """All rows in a random order and in pieces of random size, with a look after each; then a tenth of them goes."""
    rng = np.random.default_rng(seed)
    order, head = rng.permutation(len(rows.labels)), RidgeHead(rows.features.shape[1], ridge=ridge)
    for piece in np.split(order, np.sort(rng.choice(len(order), 40, replace=False))):
        head.add(*rows.part(piece))
        head.weights()
    yield drift(head, rows, order)
    gone, left = np.split(order, [len(order) // 10])
    for piece in np.array_split(gone, 40):
        head.remove(*rows.part(piece))
        head.weights()
    yield drift(head, rows, left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Processor seconds of one measurement."""

    incremental: float
    joint: float
    phases: float
    joint_phases: float
    history_us: float
    """Microseconds per row of the history, learned at once."""
    block_us: float
    """Microseconds per live row, fresh weights after each block included."""


def incremental(rows: Rows, ends: Sequence[int], ridge: float) -> tuple[RidgeHead, list[float]]:
    """A head that learns the rows up to each end in turn, and is solved there; the seconds that each took."""
    head, took = RidgeHead(rows.features.shape[1], ridge=ridge), []
    for start, end in zip((0, *ends), ends, strict=False):
        part = rows.part(range(start, end))
        began = time.process_time()
        head.add(*part)
        head.weights()
        took.append(time.process_time() - began)
    return head, took


def joint(rows: Rows, ends: Sequence[int], ridge: float) -> list[float]:
    """The seconds that fitting anew to all rows up to each end takes."""
    return [incremental(rows, [end], ridge)[1][0] for end in ends]


def timed(rows: Rows, blocks: Sequence[int], phases: Sequence[int], ridge: float) -> Timed:
    """Both heads over the stream; `blocks` and `phases` are the ends of each, the history being the first."""
    _, took = incremental(rows, blocks, ridge)
    some = np.unique(np.linspace(1, len(blocks) - 1, POINTS).round().astype(int))
    seconds = joint(rows, [blocks[k] for k in some], ridge)
    every = np.interp(blocks[1:], [blocks[k] for k in some], seconds)
    return Timed(
        incremental=sum(took[1:]),
        joint=float(every.sum()),
        phases=sum(incremental(rows, phases, ridge)[1][1:]),
        joint_phases=sum(joint(rows, phases[1:], ridge)),
        history_us=1e6 * took[0] / blocks[0],
        block_us=1e6 * sum(took[1:]) / (blocks[-1] - blocks[0]),
    )


def of_course(course: Course, base: str, cache: Path) -> tuple[Rows, Rows, float]:
    """Rows to learn, test rows, and microseconds that the features of a row take beside its embedding."""
    learned = [*course.of(Split.HISTORY), *course.of(Split.LIVE)]
    tests = course.of(Split.TEST)
    embeddings = embedded(base, [*learned, *tests], cache)
    maker = Features.fixed(embeddings[: len(course.of(Split.HISTORY))])
    began = time.process_time()
    features = maker.of(embeddings, [row.text for row in (*learned, *tests)])
    each_us = 1e6 * (time.process_time() - began) / len(features)
    cut = len(learned)
    return (
        Rows(features=features[:cut], labels=[row.label for row in learned]),
        Rows(features=features[cut:], labels=[row.label for row in tests]),
        each_us,
    )


def ends_of(course: Course, block: int) -> tuple[list[int], list[int]]:
    """After how many rows each block ends, and each phase; the history is the first of both."""
    history, live = len(course.of(Split.HISTORY)), course.of(Split.LIVE)
    phases = [history + sum(row.time <= moment for row in live) for moment in course.moments]
    phases[-1] = history + len(live)
    return [history, *range(history + block, history + len(live), block), history + len(live)], phases


def at_phases(course: Course, rows: Rows, tests: Rows, block: int, ridge: float) -> Iterator[Drift]:
    """A head that learns block by block, looked at wherever a phase ends."""
    blocks, phases = ends_of(course, block)
    head = RidgeHead(rows.features.shape[1], ridge=ridge)
    place = {row.index: k for k, row in enumerate(course.of(Split.TEST))}
    points = sorted({*blocks, *phases})
    for start, end in zip((0, *points), points, strict=False):
        head.add(*rows.part(range(start, end)))
        head.weights()
        if end in phases:
            shown = tests.part([place[row.index] for row in course.seen(phases.index(end))])
            yield drift(head, rows, range(end), Rows(features=shown[0], labels=shown[1]))


def line(runs: Sequence[Timed], phases: Sequence[Drift], orders: Sequence[Drift]) -> dict[str, object]:
    """The bar's line, but for `seconds` and what was asked for."""
    shares = [run.incremental / run.joint for run in runs]
    value, apart = float(np.median(shares)), max(each.weights for each in (*phases, *orders))
    other = sum(phase.other for phase in phases)
    return {
        "bar": "train.2",
        "value": round(value, 5),
        "interval": [round(min(shares), 5), round(max(shares), 5)],
        "n": len(runs),
        "goal": GOAL,
        "met": value <= GOAL and apart < EXACT and not other,
        "phases": round(float(np.median([run.phases / run.joint_phases for run in runs])), 4),
        "weights_apart": apart,
        "orders": len(orders),
        "told_otherwise": other,
        "accuracy": [round(phase.right, 4) for phase in phases],
        "joint_accuracy": [round(phase.joint_right, 4) for phase in phases],
        "history_us_per_row": round(float(np.median([run.history_us for run in runs])), 1),
        "block_us_per_row": round(float(np.median([run.block_us for run in runs])), 1),
        "incremental_cpu_s": round(float(np.median([run.incremental for run in runs])), 2),
        "joint_cpu_s": round(float(np.median([run.joint for run in runs])), 2),
    }


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every second row, two orders, one measurement")
    parser.add_argument("--streams", type=Path, default=ROOT.parent / "shared" / "data" / "streams")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--block", type=int, default=20, help="rows after which fresh weights are wanted")
    parser.add_argument("--times", type=int, help="measurements of time; 3, or 1 if quick")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "head")
    args = parser.parse_args()
    args.times = args.times or (1 if args.quick else 3)
    try:
        args.course = open_course("clinc150_domains", args.streams, None, every=2 if args.quick else 1)
    except Skipped as reason:
        parser.error(str(reason))
    return args


def main() -> None:
    """Run the bar and print its line."""
    disable_progress_bar()
    args, began = arguments(), time.perf_counter()
    rows, tests, features_us = of_course(args.course, args.base, args.cache)
    blocks, phases = ends_of(args.course, args.block)
    ridge = choose_ridge(*rows.part(range(blocks[0])))
    orders = [one for seed in range(2 if args.quick else 5) for one in shuffled(rows, ridge, seed)]
    met = list(at_phases(args.course, rows, tests, args.block, ridge))
    runs = [timed(rows, blocks, phases, ridge) for _ in range(args.times)]
    told = {
        "features_us_per_row": round(features_us, 1),
        "rows": len(rows.labels),
        "blocks": len(blocks) - 1,
        "ridge": ridge,
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "quick": args.quick,
    }
    print(json.dumps(line(runs, met, orders) | told | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
