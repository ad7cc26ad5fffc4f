"""What merging domains' adapters, and beginning at the nearest, bring on real intents: CLINC150 by domain.

    python bench/borrowed.py [--quick] [--seeds 3] [--streams DIR] [--rows 40] [--tests 10]

By seed, three domains of fifteen intents each have an adapter of their own on the built-in base, trained on `--rows`
rows of each intent. Merged: every way of `homeostat merge` beside the better parent, beside the same merge with next to
nothing of the adapters in it (`bare`: what fitting the labels' rows does alone), and beside joint training on all rows
(`joint`), on `--tests` unseen rows of each intent. Nearest: a fourth domain with five rows of each intent, trained by
the recipe `first` from the bare base, from the nearest of the three (`nearest`, or what the command chose), and
answered by `homeostat few`.

Prints a JSON line: by arm the share told right with its interval over rows of all seeds, and paired differences of
`cat` to the better parent, to `bare` and to `joint`, and of `nearest` to the bare base. No goal: METHODS sets none on
real intents. `--quick` is one seed with 20 rows and 5 tests of each intent.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from transformers.utils.logging import disable_progress_bar

from homeostat.config.schema import Config, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.loop.deciding.borrowing import borrowed
from homeostat.loop.making.few import from_few, shots_of
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.making.merging import Merge, merge
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote
from homeostat.stats.intervals import mean_interval, paired
from homeostat.train.named import named
from homeostat.train.transfer.blend import WAYS, How
from homeostat.types.dataset import Dataset, Example
from homeostat.types.report import Score
from homeostat.types.version import Version

ROOT = Path(__file__).resolve().parents[1]
SOURCES, FEW = 3, 5
NEXT_TO_NOTHING = 1e-6
Texts = Mapping[str, Mapping[str, Sequence[str]]]
"""Domain -> intent -> texts."""
Right = dict[str, list[float]]
"""Arm -> by test row of all seeds, 1 where it was told right."""


def domains(file: Path) -> Texts:
    """The rows of a stream by domain and intent, whatever their split: each seed draws its own tests."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            found[row["truth"]["domain"]][row["label"]].append(row["text"])
    return {
        domain: {intent: list(dict.fromkeys(texts)) for intent, texts in sorted(own.items())}
        for domain, own in found.items()
    }


class Run:
    """One seed: a project on the built-in model, three domains that are known, and one that is new."""

    def __init__(self, folder: Path, texts: Texts, rows: int, tests: int, seed: int) -> None:
        draw = np.random.default_rng([seed, 19])
        names = [sorted(texts)[k] for k in draw.permutation(len(texts))[: SOURCES + 1]]
        self.known, self.new = names[:SOURCES], names[SOURCES]
        tasks = {name: Tasks(instruction="route") for name in (*names, "all")}
        self.shop = Workshop.open(Config(project="p", folder=str(folder), tasks=tasks))
        self.learned, self.tests = {}, {}
        for name in names:
            drawn = {i: [own[k] for k in draw.permutation(len(own))] for i, own in texts[name].items()}
            self.learned[name] = [(text, i) for i, own in drawn.items() for text in own[:rows]]
            self.tests[name] = [(text, i) for i, own in drawn.items() for text in own[rows : rows + tests]]

    def dataset(self, task: str, pairs: Sequence[tuple[str, str]]) -> Dataset:
        """Texts and labels, kept."""
        rows = tuple(Example(text=text, target=label, task=task) for text, label in pairs)
        labels = tuple(dict.fromkeys(label for _, label in pairs))
        made = Curated(examples=rows, labels=labels)
        return store_dataset(self.shop.store, made, task=task, turn=f"{task}{len(rows)}", now=1.0)

    def trained(self, task: str, pairs: Sequence[tuple[str, str]], name: str, source: str = "") -> tuple[Version, str]:
        """A version of the recipe `first`, and what it began at."""
        kept, recipe, begins = self.dataset(task, pairs), named("first", self.shop.config.train), None
        if source:
            rows = [Example(text=text, target=label) for text, label in pairs]
            begins = borrowed(self.shop, self.shop.config.task(task), rows, kept.labels, source)
            recipe = replace(recipe, warm_start=bool(begins.name))
        lesson = Lesson(
            task=task,
            dataset=kept.id,
            recipe=recipe,
            version=f"ver_{name}",
            borrows=begins.folder if begins else None,
            lender=begins.name if begins else "",
            time=1.0,
        )
        return learn(self.shop, lesson), begins.why if begins else ""

    def right(self, version: Version, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """By row, 1 where a version replies as it should."""
        replies = self.shop.answers(self.shop.config.task(version.task), version, [text for text, _ in pairs])
        return [float(reply.text == label) for reply, (_, label) in zip(replies, pairs, strict=True)]


def merged(run: Run, note: Any) -> Right:
    """Every way of merging beside the better parent, next to nothing of them, and joint training."""
    members = []
    for name in run.known:
        version, _ = run.trained(name, run.learned[name], name)
        promote(run.shop.store, name, version.id, "for a bench", now=1.0)
        members.append(version)
        note(f"{name} learned")
    tests = [pair for name in run.known for pair in run.tests[name]]
    parents = {member.id: run.right(member, tests) for member in members}
    found = {"better parent": max(parents.values(), key=np.mean)}
    hows = {way: How(way=way) for way in WAYS} | {"cat, searched": How(search=True)}
    hows["bare"] = How(weights=(NEXT_TO_NOTHING,) * len(members))
    for name, how in hows.items():
        wish = Merge(task=run.shop.config.task("all"), members=tuple(members), how=how)
        found[name] = run.right(merge(run.shop, wish).version, tests)
        note(f"{name}: {np.mean(found[name]):.3f}")
    every = [pair for name in run.known for pair in run.learned[name]]
    found["joint"] = run.right(run.trained("all", every, "joint")[0], tests)
    return found


def begun(run: Run, note: Any) -> tuple[Right, str]:
    """A new domain with few rows, from the bare base, from the nearest, and by `few`; and what the command said."""
    intents: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for text, intent in run.learned[run.new]:
        intents[intent].append((text, intent))
    few, tests = [pair for own in intents.values() for pair in own[:FEW]], run.tests[run.new]
    plain, _ = run.trained(run.new, few, "plain")
    warm, why = run.trained(run.new, few, "warm", "nearest")
    note(why)
    task, rows = run.shop.config.task(run.new), [Example(text=text, target=label) for text, label in few]
    kept = run.dataset(run.new, few)
    head = from_few(run.shop, task, kept, shots_of(task, rows, kept.labels))
    return {
        "few, bare base": run.right(plain, tests),
        "few, nearest": run.right(warm, tests),
        "few, head": run.right(head, tests),
    }, why


def line(found: Right, whys: Sequence[str]) -> dict[str, Any]:
    """What is printed, but for what was asked for and `seconds`."""
    pairs = {
        "cat - better parent": ("cat", "better parent"),
        "cat - bare": ("cat", "bare"),
        "cat - joint": ("cat", "joint"),
        "searched - cat": ("cat, searched", "cat"),
        "nearest - bare base": ("few, nearest", "few, bare base"),
    }
    return {
        "bench": "borrowed",
        "right": {arm: shown(mean_interval(rows)) for arm, rows in found.items()},
        "differences": {name: shown(paired(found[a], found[b])) for name, (a, b) in pairs.items()},
        "n": {"merged": len(found["cat"]), "few": len(found["few, nearest"])},
        "why": list(whys),
    }


def shown(score: Score) -> list[float]:
    """Mean, low, high."""
    return [round(value, 4) for value in (score.mean, score.low, score.high)]


def main() -> None:
    """Measure and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, 20 rows and 5 tests of each intent")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=40, help="rows of each intent of a known domain")
    parser.add_argument("--tests", type=int, default=10, help="unseen rows of each intent")
    parser.add_argument("--streams", type=Path, default=ROOT.parent / "shared" / "data" / "streams")
    args = parser.parse_args()
    seeds, rows, tests = (1, 20, 5) if args.quick else (args.seeds, args.rows, args.tests)
    file = args.streams / "clinc150_domains.jsonl.gz"
    if not file.exists():
        parser.error(f"{file} is not there; CLINC150 by domain is needed")
    disable_progress_bar()
    began, found, whys = time.perf_counter(), defaultdict[str, list[float]](list), []

    def note(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    texts = domains(file)
    for seed in range(100, 100 + seeds):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), texts, rows, tests, seed)
            for arm, right in merged(run, note).items():
                found[arm] += right
            few, why = begun(run, note)
            for arm, right in few.items():
                found[arm] += right
            whys.append(f"{run.new} among {', '.join(run.known)}: {why}")
            run.shop.close()
    how = {"quick": args.quick, "seeds": seeds, "rows": rows, "tests": tests}
    print(json.dumps(line(found, whys) | how | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
