"""What another embedding backend than the model that answers is worth to the watch.

    python bench/encoders.py [--quick] [--streams ../shared/data/streams] [--models ../shared/models] [--seed 2]

Real requests of two desks (CLINC150 and HWU64). Topics are kept back by lot; the built-in model is fine-tuned (LoRA) on
TAUGHT requests about the others and answers what is left, known and new. Its replies and confidences are the same under
every backend. What differs is what lays requests out, by the path of the product (`opened`, `Steady`): hidden states of
that model (`served`), the base as it was before (`builtin`), stories260K, a model that has read tales for toddlers and
nothing else, and hashed n-grams.

`auc`: how well the distance to the nearest five of the taught requests ranks new requests behind known ones, with its
interval from drawing requests anew (bootstrap). `delay`: the production `Watcher` at its defaults, over streams in
which a share SHARE turns to new topics after CALIBRATION + BEFORE requests; the mean of requests from there to the
first signal, a change not seen within AFTER counting as that, with Student's interval over streams; `missed` says how
many. `alone`: the same with one confidence for all, so that distances alone tell. `less` is a backend's delay minus
that of `served` on the same streams. Streams with a signal before the change (`early`) are counted and not left out.
SHARE and BEFORE were chosen on seed 1.

`value` is the mean over desks of the AUC by `builtin` less that by `served`, named before anything was measured; its
interval is over requests. No bar hangs on it: `goal` is 0, and a backend that is worse is what the page should say.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shifts import read

from homeostat.config.schema import Monitor, Train
from homeostat.llm.backend import Reply, Request
from homeostat.llm.embedding.embedder import SERVED, opened
from homeostat.llm.embedding.steady import Steady, packed
from homeostat.llm.local import LocalBackend
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.watch import Watcher
from homeostat.stats.intervals import mean_interval
from homeostat.train.named import named
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example
from homeostat.types.interaction import Interaction
from homeostat.types.task import Task
from homeostat.types.version import Version

Floats = NDArray[np.float64]
TASK = Task(name="routing", instruction="route")
TOPICS = {"clinc150": (4, 2), "hwu64": (10, 4)}
"""Desk -> how many topics are taught, and how many are new."""
TAUGHT, KNOWN, NEW = 800, 800, 500
"""Requests that are taught, which are the index too, and those that come."""
CALIBRATION, BEFORE, AFTER, BATCH, SHARE = 300, 1_200, 1_500, 50, 0.3
STREAMS = 10
THROWS = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """Requests, what the fine-tuned model made of them, and their vectors by each backend."""

    replies: Sequence[Reply]
    """Of the known ones, then of the new ones."""
    known: int
    index: Mapping[str, NDArray[np.float32]]
    """Backend -> float32[taught, width]."""
    vectors: Mapping[str, Sequence[bytes]]
    """Backend -> of each reply."""


def desk(name: str, args: argparse.Namespace) -> Desk:
    """Teach the model of a desk, have it answer, and embed everything by every backend."""
    rng = np.random.default_rng([args.seed, 31])
    rows = read(name, args.streams)
    topics = rng.permutation(sorted({row["topic"] for row in rows})).tolist()
    taught, new = TOPICS[name]
    mixed = [rows[k] for k in rng.permutation(len(rows))]
    inside = [row for row in mixed if row["topic"] in topics[:taught]]
    strange = [row for row in mixed if row["topic"] in topics[taught : taught + new]][: args.new]
    lesson, live = inside[: args.taught], inside[args.taught : args.taught + args.known]
    asked = [row["text"] for row in [*live, *strange]]
    texts = [row["text"] for row in lesson]
    with tempfile.TemporaryDirectory() as folder:
        backend, version = _taught(lesson, args, Path(folder))
        replies = backend.reply([Request(task=TASK, text=text, version=version) for text in asked])
        states = backend.embed([Request(task=TASK, text=text, version=version) for text in texts])
    right = np.mean([reply.text == row["label"] for reply, row in zip(replies, live, strict=False)])
    _note(f"{name}: {len(lesson)} taught, {len(live)} known ({right:.3f} right), {len(strange)} new")
    index: dict[str, NDArray[np.float32]] = {SERVED: states.astype(np.float16).astype(np.float32)}
    vectors: dict[str, Sequence[bytes]] = {SERVED: [reply.embedding for reply in replies]}
    for called, place in _backends(args).items():
        steady = Steady(opened(place))
        steady.look()
        index[called] = steady.embed(texts)
        vectors[called] = [packed(vector) for vector in steady.embed(asked)]
        _note(f"{name}: embedded by {called}, {steady.width} numbers")
    return Desk(replies, len(live), index, vectors)


def _taught(lesson: Sequence[Mapping[str, Any]], args: argparse.Namespace, folder: Path) -> tuple[LocalBackend, str]:
    labels = tuple(dict.fromkeys(row["label"] for row in lesson))
    order = Order(
        task=TASK,
        start=Start(base="builtin"),
        examples=[Example(text=row["text"], target=row["label"]) for row in lesson],
        labels=labels,
        recipe=replace(named("first", Train()), epochs=args.epochs, looks=1),
        folder=folder,
    )
    made = train(order)
    backend = LocalBackend("builtin")
    version = Version(
        id="ver_bench", task=TASK.name, time=0.0, base="builtin", kind=made.kind, labels=labels, prior=made.prior
    )
    backend.load(version, made.weights)
    return backend, version.id


def _backends(args: argparse.Namespace) -> dict[str, str]:
    return {"builtin": "builtin", "stories260K": str(args.models / "stories260K" / "hf"), "ngrams": "ngrams"}


def ranked(known: Floats, new: Floats) -> float:
    """Area under the curve: the chance that a new request lies farther off than a known one."""
    order = np.concatenate([known, new]).argsort().argsort(kind="stable") + 1.0
    return float((order[len(known) :].sum() - len(new) * (len(new) + 1) / 2) / (len(known) * len(new)))


def aucs(desk: Desk, rng: np.random.Generator) -> dict[str, tuple[float, Floats]]:
    """Backend -> its area, and the same of requests drawn anew, alike for all backends."""
    throws = [
        (
            rng.integers(0, desk.known, desk.known),
            rng.integers(desk.known, len(desk.replies), len(desk.replies) - desk.known),
        )
        for _ in range(THROWS)
    ]
    found = {}
    for name, index in desk.index.items():
        rows = np.stack([np.frombuffer(one, np.float16) for one in desk.vectors[name]]).astype(np.float32)
        far = NeighborIndex(index, Monitor().neighbors).distance(rows)
        again = np.array([ranked(far[a], far[b]) for a, b in throws])
        found[name] = ranked(far[: desk.known], far[desk.known :]), again
    return found


def delays(desk: Desk, name: str, n: int, seed: int, *, alone: bool) -> tuple[Floats, int]:
    """Requests from the change to the first signal, float64[n], AFTER where there is none; how many came before it."""
    found, early = np.full(n, float(AFTER)), 0
    for k in range(n):
        rng = np.random.default_rng([seed, k, 32])
        calm = CALIBRATION + BEFORE
        at = rng.integers(0, desk.known, calm + AFTER)
        strange = (np.arange(calm + AFTER) >= calm) & (rng.random(calm + AFTER) < SHARE)
        at[strange] = rng.integers(desk.known, len(desk.replies), int(strange.sum()))
        watcher = Watcher.start(TASK.name, desk.index[name], (), Monitor(seed=k), labels=())
        rows = [_row(place, desk, name, int(row), alone=alone) for place, row in enumerate(at)]
        for first in range(0, len(rows), BATCH):
            if watcher.update(rows[first : first + BATCH]):
                early += first < calm
                if first >= calm:
                    found[k] = min(first + BATCH - calm, AFTER)
                    break
    return found, early


def _row(place: int, desk: Desk, name: str, at: int, *, alone: bool) -> Interaction:
    return Interaction(
        id=f"int_{place:06d}",
        task=TASK.name,
        time=100.0 * place,
        text=f"{place}",
        reply=desk.replies[at].text,
        version="ver_bench",
        confidence=0.9 if alone else desk.replies[at].confidence,
        embedding=desk.vectors[name][at],
    )


def _told(values: Floats) -> dict[str, Any]:
    score = mean_interval(values)
    return {"mean": round(score.mean, 1), "interval": [round(score.low, 1), round(score.high, 1)], "n": len(values)}


def measured(name: str, args: argparse.Namespace) -> tuple[dict[str, Any], float, Floats]:
    """The figures of a desk, and `builtin` less `served` in area, with the same of requests drawn anew."""
    made = desk(name, args)
    areas = aucs(made, np.random.default_rng([args.seed, 33]))
    told: dict[str, Any] = {}
    base: dict[bool, Floats] = {}
    for called, (area, again) in areas.items():
        low, high = np.quantile(again, [0.025, 0.975])
        line: dict[str, Any] = {"auc": round(area, 3), "auc_interval": [round(float(low), 3), round(float(high), 3)]}
        for alone in (False, True):
            took, early = delays(made, called, args.n, args.seed, alone=alone)
            base.setdefault(alone, took)
            rest = {"missed": int((took >= AFTER).sum()), "early": early}
            line["alone" if alone else "delay"] = _told(took) | rest | {"less": _told(took - base[alone])}
        told[called] = line
        _note(f"{name}: {called} {line}")
    first, second = areas["builtin"], areas[SERVED]
    return told, first[0] - second[0], first[1] - second[1]


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests, one pass, two streams")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--seed", type=int, default=2)
    args = parser.parse_args()
    small = args.quick
    args.taught, args.known, args.new = (300, 300, 200) if small else (TAUGHT, KNOWN, NEW)
    args.epochs, args.n = (1, 2) if small else (3, STREAMS)
    began = time.perf_counter()
    found = {name: measured(name, args) for name in TOPICS}
    value = float(np.mean([one[1] for one in found.values()]))
    again = np.mean([one[2] for one in found.values()], axis=0)
    low, high = (round(float(end), 4) for end in np.quantile(again, [0.025, 0.975]))
    line = {
        "bar": "encoders",
        "value": round(value, 4),
        "interval": [low, high],
        "n": (args.known + args.new) * len(found),
        "goal": 0,
        "met": low > 0,
        "seconds": round(time.perf_counter() - began, 1),
        "desks": {name: one[0] for name, one in found.items()},
    }
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
