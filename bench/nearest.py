"""Verified answers found by a model's own states, beside the same found by words: how many of them are to the point.

    python bench/nearest.py [--quick] [--seed 100]

On the built-in traffic: `POOL` verified requests of known kinds, and requests to find answers for, which came later by
lot. A version of the built-in model learns the labels from half as many other rows; its states, and for comparison
those of the bare base, are held against words. `hit` is the share of the four answers found that have the request's own
label (chance, and a request that finds nothing, count as what they are); `strange` the same over requests that share no
word of four letters or more with any verified request of their label, but words that stand in one request of fifty.

`value` is the lead of the trained states over words on the strange requests, paired, with its 95 % interval; the bar:
above 0 beyond chance. Which states are used, and how they are scaled, was chosen on seed 0.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import StreamRow, read_stream
from homeostat.config.schema import Train
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.nearest import Nearest, NearestStates
from homeostat.stats.intervals import paired
from homeostat.train.named import named
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.task import Task
from homeostat.types.version import Version

POOL, ASKED, SHOWN, COMMON = 1_000, 1_500, 4, 50
Find = Callable[[int], list[int]]
"""A request's number to the numbers of the answers found for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is found among, and for what."""

    pool: list[StreamRow]
    asked: list[StreamRow]
    taught: list[StreamRow]

    @property
    def strange(self) -> list[int]:
        """Requests that share no rarer word with any of the pool of their label."""
        words = [_words(row.text) for row in self.pool]
        known = Counter(word for row in words for word in row)
        common = {word for word, n in known.items() if n > len(self.pool) / COMMON}
        by: dict[str, set[str]] = {}
        for row, said in zip(self.pool, words, strict=True):
            by.setdefault(row.label, set()).update(said - common)
        return [k for k, row in enumerate(self.asked) if not (_words(row.text) - common) & by.get(row.label, set())]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the line, and say by the exit code whether the bar is met."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a third of the requests, and a shorter training")
    parser.add_argument("--seed", type=int, default=100, help="of the draw of rows")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    line = measured(_rows(given.seed, 500 if given.quick else ASKED), steps=80 if given.quick else 160)
    print(json.dumps({**line, "seconds": round(time.perf_counter() - began, 1)}))
    return 0 if line["met"] else 1


def _rows(seed: int, asked: int) -> Rows:
    rows, _ = read_stream(traffic_path())
    order = np.random.default_rng(seed).permutation(len(rows))
    pool, others, taught = np.split(order[: POOL + asked + POOL // 2], [POOL, POOL + asked])
    parts = [[rows[k] for k in some] for some in (pool, others, taught)]
    return Rows(pool=parts[0], asked=parts[1], taught=parts[2])


def measured(rows: Rows, *, steps: int) -> dict[str, Any]:
    """The line without its time."""
    task = Task(name="routing", instruction="route", labels=tuple(dict.fromkeys(row.label for row in rows.taught)))
    found = {"words": _by_words(rows)}
    with tempfile.TemporaryDirectory() as folder:
        backend, trained = LocalBackend("builtin"), _trained(rows, task, Path(folder), steps)
        backend.load(trained, Path(folder) / "weights")
        for name, version in (("bare", ""), ("trained", trained.id)):
            found[name] = _by_states(rows, backend, task, version)
    hits = {name: _hits(rows, find) for name, find in found.items()}
    strange = rows.strange
    lead = paired(hits["trained"][strange], hits["words"][strange])
    return {
        "bar": "nearest",
        "value": round(lead.mean, 4),
        "interval": [round(lead.low, 4), round(lead.high, 4)],
        "n": lead.n,
        "goal": "> 0 on requests that share no word with what is found for them",
        "met": lead.low > 0.0,
        "hit": {name: round(float(of.mean()), 4) for name, of in hits.items()},
        "strange": {name: round(float(of[strange].mean()), 4) for name, of in hits.items()},
        "lead on all": _said(paired(hits["trained"], hits["words"])),
    }


def _said(score: Score) -> list[float]:
    return [round(value, 4) for value in (score.mean, score.low, score.high)]


def _trained(rows: Rows, task: Task, folder: Path, steps: int) -> Version:
    """A version that has learned the labels from rows that are neither found nor asked."""
    settings = Train(refit=False)
    examples = [Example(text=row.text, target=row.label) for row in rows.taught]
    recipe = replace(named("careful", settings), max_steps=steps, penalties=(), warm_start=False, epochs=8.0)
    order = Order(
        task=task, start=Start(base="builtin"), examples=examples, labels=task.labels, recipe=recipe, folder=folder
    )
    made = train(order)
    made.weights.rename(folder / "weights") if made.weights != folder / "weights" else None
    return Version(
        id="ver_1", task="routing", time=0.0, base="builtin", kind=made.kind, labels=made.labels, prior=made.prior
    )


def _by_words(rows: Rows) -> Find:
    known = Nearest.of([row.text for row in rows.pool])
    return lambda k: known.find(rows.asked[k].text, SHOWN)


def _by_states(rows: Rows, backend: LocalBackend, task: Task, version: str) -> Find:
    def states(some: Sequence[StreamRow]) -> np.ndarray:
        return backend.states([Request(task=task, text=row.text, version=version) for row in some])

    known, asked = NearestStates.of(states(rows.pool)), states(rows.asked)
    return lambda k: known.find(asked[k], SHOWN)


def _hits(rows: Rows, find: Find) -> np.ndarray:
    """float64[asked]: share of the answers found that have the request's label."""
    found = [find(k) for k in range(len(rows.asked))]
    return np.array([sum(rows.pool[n].label == rows.asked[k].label for n in of) / SHOWN for k, of in enumerate(found)])


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", text.lower()))


if __name__ == "__main__":
    sys.exit(main())
