"""A head beside the generative version of the same rows: what it learns, what it costs, how long a request waits.

    python bench/heads.py [--rows 1000] [--live 400] [--tests 600] [--asked 200] [--base builtin] [--classifier]

The built-in traffic: the newest of its history teaches a generative version (recipe `first`) and heads (`head` on the
mean of the states and on the last one, and `classifier` if it is asked for); then the first live rows come, with labels
that none of them knew, and a head goes on. Prints JSON lines: accuracy on test rows of the time with its 95 % interval
and n, mean confidence, CPU-seconds of training; and milliseconds that the model takes for a request, of a core and of
the clock. The gateway adds the same to each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, read_stream
from homeostat.config.schema import Config, Model, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import examples, store_dataset
from homeostat.llm.backend import Request
from homeostat.loop.found import found
from homeostat.loop.making.learn import Lesson, learn, version_id
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.intervals import mean_interval
from homeostat.train.named import named
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.version import Version

TASK = "routing"
BLOCK = 10
"""Requests of a turn."""


def rows_of(stream: Sequence[StreamRow], split: Split) -> list[Example]:
    """The rows of a split, oldest first."""
    return [Example(text=r.text, target=r.label, task=TASK, time=r.time) for r in stream if r.split is split]


def taught(shop: Workshop, recipe: Recipe, dataset: str, parent: Version) -> Version:
    """The version that a recipe makes of a dataset."""
    name = version_id(recipe.name, dataset, repr(recipe.objective), recipe.warm_start)
    return learn(shop, Lesson(task=TASK, dataset=dataset, recipe=recipe, version=name, parent=parent))


def told(shop: Workshop, name: str, version: Version, tests: Sequence[Exam]) -> None:
    """Print how right and how sure a version is, and what it cost."""
    replies = shop.answers(shop.config.task(TASK), version, [row.text for row in tests])
    right = np.array([float(r.text == row.target) for r, row in zip(replies, tests, strict=True)])
    score = mean_interval(right)
    line = {
        "version": name,
        "accuracy": round(score.mean, 4),
        "interval": [round(score.low, 4), round(score.high, 4)],
        "n": score.n,
        "confidence": round(float(np.mean([r.confidence for r in replies])), 4),
        "labels": len(version.labels),
        "cpu_seconds": round(version.cost["cpu_seconds"], 2),
        "rows_read": version.cost.get("added"),
        "bytes": sum(f.stat().st_size for f in shop.store.blobs.folder(version.blob).iterdir()),
    }
    print(json.dumps(line), flush=True)


def waits(shop: Workshop, versions: dict[str, Version], texts: Sequence[str]) -> None:
    """Print what a request takes, one at a time: each version its turn of ten, so that none has the quiet hour."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
    with shop.loaded(*versions.values()) as backend:
        for start in range(0, len(texts), BLOCK):
            for name, version in versions.items():
                for number, text in enumerate([texts[start], *texts[start : start + BLOCK]]):
                    request = Request(task=shop.config.task(TASK), text=text, version=version.id)
                    began, spent = time.perf_counter(), time.process_time()
                    backend.reply([request])
                    if number:  # the first switches adapters
                        took[name].append((time.process_time() - spent, time.perf_counter() - began))
    for name, seconds in took.items():
        cpu, wall = 1e3 * np.array(seconds).T
        told = {"version": name, "cpu_ms_p50": _p(cpu, 50), "cpu_ms_p95": _p(cpu, 95), "wall_ms_p50": _p(wall, 50)}
        print(json.dumps(told | {"n": len(seconds)}), flush=True)


def _p(values: np.ndarray, share: float) -> float:
    return round(float(np.percentile(values, share)), 2)


def measure(args: argparse.Namespace, folder: Path) -> None:
    """Teach, ask, print."""
    stream, _ = read_stream(traffic_path(), needed=())
    history, live = rows_of(stream, Split.HISTORY)[-args.rows :], rows_of(stream, Split.LIVE)[: args.live]
    suite = [Exam(text=r.text, target=r.label, time=r.time, until=r.until) for r in stream if r.split is Split.TEST]
    config = Config(
        folder=str(folder),
        model=Model(base=args.base),
        tasks={TASK: Tasks()},
    )
    with closing(Workshop.open(config)) as shop:
        before, after = history[-1].time, live[-1].time
        first = found(shop, TASK, history, suite, now=before)
        tests = shop.suite_at(TASK, before)[: args.tests]
        made = {"generative": first}
        head = named("head", config.train)
        made["head"] = taught(shop, head, first.dataset, first)
        made["head, last state"] = taught(shop, replace(head, objective=Exact(pool="last")), first.dataset, first)
        if args.classifier:
            made["classifier"] = taught(shop, named("classifier", config.train), first.dataset, first)
        for name, version in made.items():
            told(shop, name, version, tests)
        known = [*examples(shop.store, first.dataset), *live]
        labels = tuple(dict.fromkeys([*first.labels, *(row.target for row in live)]))
        whole = store_dataset(
            shop.store, Curated(examples=tuple(known), labels=labels), task=TASK, turn="live", now=after
        )
        later = shop.suite_at(TASK, after)[-args.tests :]
        told(shop, "head, later", made["head"], later)
        told(shop, "head, gone on", taught(shop, head, whole.id, made["head"]), later)
        told(shop, "head, anew", taught(shop, replace(head, warm_start=False), whole.id, made["head"]), later)
        waits(shop, made, [row.text for row in live[: args.asked]])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 1000), ("live", 400), ("tests", 600), ("asked", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--classifier", action="store_true")
    with tempfile.TemporaryDirectory() as folder:
        measure(parser.parse_args(), Path(folder))


if __name__ == "__main__":
    main()
