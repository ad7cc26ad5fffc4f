"""What repair gives back of what an update has cost, and what of the update it leaves.

    python bench/repair.py [--kind labels|replies] [--seeds 3] [--arms repair,replay,off,itself]

The built-in model learns some intents of the built-in traffic (the champion), then others alone at the rate of a
fresh start (the candidate, recipe `naive`), and forgets. Recipe `repair` goes on from the candidate with the champion
as its teacher, on the new rows and as many old ones. `replay` is the control that learns the replies of the very same
rows in as many passes; `off` is repair that old rows weigh nothing in, and `itself` repair with the candidate as its
teacher: neither has anything to learn from. No rows of labels are fitted (`refit`) and nothing is subtracted (`prior`),
so that the method stands alone.

For each version: the share of labels told right, or chrF / 100 of replies, on test rows of old and of new intents. For
each arm, paired by row over all seeds with the interval of the rows: `lost`, what the champion has more than the
candidate on old rows; `back`, what the arm has more than the candidate there, and `share`, that as a share of what was
lost; `new`, what the arm has more than the candidate on new rows.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, read_stream
from homeostat.config.schema import Train
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.metrics.text import chrf_row
from homeostat.stats.intervals import paired
from homeostat.train.named import named
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.restore import Restore
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

TASKS = {"labels": Task(name="routing", instruction="route"), "replies": Task(name="answers", kind=Kind.TEXT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is drawn."""

    old: int
    """Intents that the champion knows."""
    new: int
    """Intents that the candidate learns."""
    learned: int
    """Rows of each to learn from."""
    tested: int
    """Test rows of each."""
    passes: int
    """Of the champion over its rows."""


SIZES = {
    "labels": Size(old=6, new=3, learned=20, tested=10, passes=16),
    "replies": Size(old=3, new=2, learned=16, tested=8, passes=24),
}
SETTINGS = Train(refit=False)
ARMS = ("repair", "replay", "off", "itself")
TOKENS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Rows of a seed."""

    kind: str
    old: Sequence[Example]
    new: Sequence[Example]
    tests_old: Sequence[Example]
    tests_new: Sequence[Example]

    @property
    def known(self) -> tuple[str, ...]:
        """The champion's labels."""
        return tuple(dict.fromkeys(row.target for row in self.old)) if self.kind == "labels" else ()

    @property
    def every(self) -> tuple[str, ...]:
        """The candidate's labels."""
        return (*self.known, *dict.fromkeys(row.target for row in self.new)) if self.kind == "labels" else ()


def drawn(kind: str, seed: int) -> Draw:
    """Intents and rows."""
    size = SIZES[kind]
    rows: defaultdict[tuple[Split, str], list[StreamRow]] = defaultdict(list)
    for row in read_stream(traffic_path())[0]:
        rows[row.split, row.label].append(row)
    enough = [
        name for split, name in rows if split is Split.HISTORY and len(rows[split, name]) >= size.learned
        and len(rows[Split.TEST, name]) >= size.tested
    ]  # fmt: skip
    lot = random.Random(seed)
    intents = lot.sample(sorted(enough), size.old + size.new)

    def some(split: Split, names: Sequence[str], count: int) -> list[Example]:
        chosen = [row for name in names for row in lot.sample(rows[split, name], count)]
        return [Example(text=r.text, target=r.label if kind == "labels" else r.reply, time=r.time) for r in chosen]

    return Draw(
        kind=kind,
        old=some(Split.HISTORY, intents[: size.old], size.learned),
        new=some(Split.HISTORY, intents[size.old :], size.learned),
        tests_old=some(Split.TEST, intents[: size.old], size.tested),
        tests_new=some(Split.TEST, intents[size.old :], size.tested),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A version, and what each test row is worth: old ones, then new ones."""

    start: Start
    cost: dict[str, float]
    old: list[float]
    new: list[float]

    @staticmethod
    def of(draw: Draw, trained: Trained) -> Made:
        """Ask a version all test rows."""
        start = Start(base="builtin", folder=trained.weights, kind=trained.kind, labels=trained.labels)
        tests, task = [*draw.tests_old, *draw.tests_new], TASKS[draw.kind]
        version = Version(id="ver_x", task="", time=0.0, base="", kind=start.kind, labels=start.labels)
        backend = LocalBackend("builtin")
        backend.load(version, start.folder)
        asked = [Request(task=task, text=row.text, version="ver_x", max_tokens=TOKENS) for row in tests]
        replies = [reply.text for reply in backend.reply(asked)]
        worth = [
            float(said == row.target) if draw.kind == "labels" else chrf_row(said, row.target) / 100.0
            for said, row in zip(replies, tests, strict=True)
        ]
        return Made(start=start, cost=trained.cost, old=worth[: len(draw.tests_old)], new=worth[len(draw.tests_old) :])


def versions(draw: Draw, arms: Sequence[str], folder: Path) -> dict[str, Made]:
    """Champion, candidate, and what the arms make of it."""

    def made(name: str, start: Start, rows: Sequence[Example], recipe: Recipe, teacher: Start | None = None) -> Made:
        order = Order(
            task=TASKS[draw.kind],
            start=start,
            examples=rows,
            labels=draw.every if start.folder else draw.known,
            recipe=recipe,
            folder=folder / name,
            teacher=teacher,
            champion=found["champion"].start if teacher else None,
        )
        found[name] = Made.of(draw, train(order))
        return found[name]

    found: dict[str, Made] = {}
    first = replace(named("first", SETTINGS), epochs=SIZES[draw.kind].passes)
    champion = made("champion", Start(base="builtin"), draw.old, first).start
    candidate = made("candidate", champion, draw.new, named("naive", SETTINGS)).start
    again = random.Random(0).sample(list(draw.old), len(draw.new))
    rows = [*draw.new, *(replace(row, origin=Origin.REPLAY) for row in again)]
    repair = named("repair", SETTINGS)
    for arm in arms:
        objective = {"replay": Completion(), "off": Restore(pull=0.0)}.get(arm, repair.objective)
        made(arm, candidate, rows, replace(repair, objective=objective), candidate if arm == "itself" else champion)
    return found


def main() -> None:
    """Train, ask, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=tuple(TASKS), default="labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--arms", default=",".join(ARMS))
    given, began = parser.parse_args(), time.process_time()
    disable_progress_bar()
    arms, columns = given.arms.split(","), defaultdict[str, list[tuple[list[float], list[float]]]](list)
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            found = versions(drawn(given.kind, seed), arms, Path(folder))
        for name, one in found.items():
            columns[name].append((one.old, one.new))
            told = {"old": sum(one.old) / len(one.old), "new": sum(one.new) / len(one.new)}
            spent = {key: round(one.cost[key], 3) for key in ("kl_new", "cpu_seconds", "steps", "flops")}
            print(json.dumps({"seed": seed, "version": name, **told, **spent}), flush=True)
    old, new = ({name: [v for part in of for v in part[k]] for name, of in columns.items()} for k in (0, 1))
    lost = paired(old["champion"], old["candidate"])
    for arm in arms:
        back, kept = paired(old[arm], old["candidate"]), paired(new[arm], new["candidate"])
        line = {
            "bench": "repair",
            "kind": given.kind,
            "arm": arm,
            "lost": [lost.mean, lost.low, lost.high],
            "back": [back.mean, back.low, back.high],
            "new": [kept.mean, kept.low, kept.high],
            "share": back.mean / lost.mean if lost.mean else 0.0,
            "n_old": back.n,
            "n_new": kept.n,
            "seeds": given.seeds,
            "seconds": round(time.process_time() - began),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
