"""How soon each kind of change in the built-in traffic is noticed, over many draws of the traffic.

    python bench/delays.py [--seeds 20] [--quick]

For every change a champion is trained as it might have been by then: on the history and on the live rows up to the
middle of the phase before. Its replies, confidences and embeddings on the rest of that phase and on the phase after are
recorded once. A stream is drawn from them with replacement: 500 requests to calibrate on, 1,000 of the world as it was,
then the changed world, in batches, with labels for a share of the requests, to the same `Watcher` that production runs.
A line for each change as it is measured: how many of the draws were noticed within 3,000 requests, and quartiles of the
delay. `loop_6.py` puts the same into the line of its bar.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, Truth, read_stream
from homeostat.config.schema import Monitor, Train
from homeostat.llm.backend import Reply, Request
from homeostat.llm.local import LocalBackend
from homeostat.monitor.watch import Watcher
from homeostat.train.named import named
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Task
from homeostat.types.version import Version

CHANGES = {1: "new product", 2: "other words", 3: "other policy"}
"""Phase -> what it brings."""
TASK = Task(name="routing", instruction="route")
CALIBRATION, BEFORE, AFTER, BATCH = 500, 1_000, 3_000, 50
LABELED = 0.4
INDEX = 1_000
PASSES = 4
FEW = 6
"""Of so many rows a quick run reads one."""


@dataclass(frozen=True)
class Recorded:
    """A row of the traffic and what the champion made of it."""

    row: StreamRow
    reply: Reply


@dataclass(frozen=True)
class World:
    """The traffic around one change, as one champion sees it."""

    index: np.ndarray
    """float32[rows, hidden]: what it was trained on."""
    labels: tuple[str, ...]
    """Those the champion knows."""
    before: Sequence[Recorded]
    after: Sequence[Recorded]


def world(phase: int, every: int = 1) -> World:
    """Train the champion of before this change, and record what it makes of both sides; by every so manieth row."""
    rows, truths = read_stream(traffic_path())
    rows = [row for row in rows if row.index % every == 0]
    live = [row for row in rows if row.split is Split.LIVE]
    earlier = [row for row in live if _phase(truths, row) == phase - 1]
    middle = len(earlier) // 2
    known = [row for row in rows if row.split is Split.HISTORY]
    known += [row for row in live if _phase(truths, row) < phase - 1] + earlier[:middle]
    changed = [row for row in live if _phase(truths, row) == phase]
    labels = tuple(dict.fromkeys(row.label for row in known))
    with tempfile.TemporaryDirectory() as folder:
        order = Order(
            task=TASK,
            start=Start(base="builtin"),
            examples=[Example(text=row.text, target=row.label, time=row.time) for row in known],
            labels=labels,
            recipe=replace(named("first", Train()), epochs=PASSES, looks=PASSES),
            folder=Path(folder),
        )
        made = train(order)
        backend = LocalBackend("builtin")
        version = Version(
            id="ver_bench", task=TASK.name, time=0.0, base="builtin", kind=made.kind, labels=labels, prior=made.prior
        )
        backend.load(version, made.weights)
        taught = [Request(task=TASK, text=row.text, version=version.id) for row in known[:: -(-len(known) // INDEX)]]
        sides = [_recorded(backend, version, side) for side in (earlier[middle:], changed)]
        return World(backend.embed(taught), labels, *sides)


def _phase(truths: Sequence[Truth], row: StreamRow) -> int:
    phase = truths[row.index].get("phase", 0)
    return phase if isinstance(phase, int) else 0


def _recorded(backend: LocalBackend, version: Version, rows: Sequence[StreamRow]) -> list[Recorded]:
    replies = backend.reply([Request(task=TASK, text=row.text, version=version.id) for row in rows])
    return [Recorded(row, reply) for row, reply in zip(rows, replies, strict=True)]


def delay(world: World, seed: int) -> tuple[int | None, str]:
    """Requests from the change to the first signal, and what the signal says; None if there was none in time.

    A signal before the change is a false alarm: the statistic begins anew and it does not count.
    """
    rng = np.random.default_rng([seed, 6])
    drawn = [world.before[k] for k in rng.integers(0, len(world.before), CALIBRATION + BEFORE)]
    drawn += [world.after[k] for k in rng.integers(0, len(world.after), AFTER)]
    stream = [_interaction(at, one) for at, one in enumerate(drawn)]
    labels = [_label(at, one) for at, one in enumerate(drawn)]
    told = rng.random(len(stream)) < LABELED
    onset = CALIBRATION + BEFORE
    settings = Monitor(min_reference=CALIBRATION, seed=seed)
    watcher = Watcher.start(TASK.name, world.index, (), settings, labels=world.labels)
    for at in range(0, len(stream), BATCH):
        some = range(at, min(at + BATCH, len(stream)))
        signals = watcher.update([stream[k] for k in some])
        signals += watcher.update_labels([(stream[k], labels[k]) for k in some if told[k]])
        signals = [one for one in signals if one.retrains]
        if signals and at + BATCH > onset:
            return min(at + BATCH, len(stream)) - onset, signals[0].moved.value
    return None, ""


def _interaction(at: int, one: Recorded) -> Interaction:
    return Interaction(
        id=f"int_{at:06d}",
        task=TASK.name,
        time=float(at),
        text=one.row.text,
        reply=one.reply.text,
        version="ver_bench",
        confidence=one.reply.confidence,
        embedding=one.reply.embedding,
    )


def _label(at: int, one: Recorded) -> Feedback:
    said = one.row.label
    return Feedback(id=f"fbk_{at:06d}", interaction=f"int_{at:06d}", kind=FeedbackKind.LABEL, value=said, time=at + 0.5)


def delays(seeds: int) -> dict[str, dict[str, object]]:
    """Change -> share noticed within AFTER requests, and quartiles of the delay in requests (whole batches)."""
    return dict(each(seeds))


def each(seeds: int, every: int = 1) -> Iterator[tuple[str, dict[str, object]]]:
    """The same change by change: to train a champion for each takes minutes."""
    for phase, name in CHANGES.items():
        print(f"{name}: a champion is trained", file=sys.stderr, flush=True)
        around = world(phase, every)
        found = [delay(around, seed) for seed in range(seeds)]
        known = sorted(n for n, _ in found if n is not None)
        quartiles = [int(np.quantile(known, q)) for q in (0.25, 0.5, 0.75)] if known else None
        yield (
            name,
            {
                "noticed": len(known),
                "of": seeds,
                "quartiles": quartiles,
                "signals": sorted({moved for _, moved in found if moved}),
            },
        )


def main() -> None:
    """Print a line for each change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="draws of every kind of change")
    parser.add_argument("--quick", action="store_true", help="three draws, by a sixth of the rows")
    args = parser.parse_args()
    began = time.perf_counter()
    for name, found in each(3, FEW) if args.quick else each(args.seeds):
        line = {"change": name, **found, "quick": args.quick, "seconds": round(time.perf_counter() - began, 1)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
