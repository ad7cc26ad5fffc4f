"""Whether a base that has read a domain's texts learns a task there from fewer labels than the base it comes from.

    python bench/domain.py [--kind labels] [--characters 400000] [--labels 6] [--draws 3] [--work DIR]

The domain is the source of Python's own library, which the built-in model has never read. Of `--kind labels` the task
is to tell from six lines of code, without imports and with the package's name taken out, which of eight packages they
are from; of `replies`, to write the last of these lines after the five before. Files whose lines are tested are read by
nobody; the base reads the others without labels. Both bases are then fine-tuned on the same few snippets by the same
recipe, once for each draw of these, and are asked the same test snippets.

`value` is the score after reading less that before, paired by snippet and draw, with its interval: of labels the share
told right, of replies the log-probability in nats of a token of the right line. `read` says what reading changed. What
was read is kept in `--work`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from homeostat.config.schema import Train
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import paired
from homeostat.train.domain.card import told
from homeostat.train.domain.pretrain import Reading, pretrain
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

LIBRARY = Path(os.__file__).parent
PACKAGES = ("asyncio", "email", "http", "importlib", "multiprocessing", "unittest", "urllib", "xml")
TASKS = {"labels": Task(name="packages", instruction="package"), "replies": Task(name="lines", kind=Kind.TEXT)}
LINES, EACH = 6, 30


def sources(package: str, *, tested: bool) -> list[str]:
    """Files of a package: every other one is for testing."""
    files = sorted((LIBRARY / package).rglob("*.py"), key=lambda path: (-path.stat().st_size, path.name))
    return [path.read_text(encoding="utf-8", errors="ignore") for path in files[int(tested) :: 2]]


def snippets(package: str, *, tested: bool) -> list[str]:
    """Pieces of six lines, imports left out."""
    found = []
    for text in sources(package, tested=tested):
        lines = [line for line in text.split("\n") if line.strip() and not re.search(r"\bimport\b", line)]
        whole = [lines[k : k + LINES] for k in range(20, len(lines) - LINES, 2 * LINES)]
        found += [re.sub(package, "it", "\n".join(piece), flags=re.IGNORECASE) for piece in whole]
    return found


def drawn(kind: str, count: int, seed: int, *, tested: bool) -> list[Example]:
    """So many snippets of each package."""
    rows = []
    for package in PACKAGES:
        every = snippets(package, tested=tested)
        random.Random(f"{package} {seed}").shuffle(every)
        for text in every[:count]:
            before, _, last = text.rpartition("\n")
            rows.append(Example(text=before, target=last) if kind == "replies" else Example(text=text, target=package))
    return rows


def texts(characters: int) -> list[str]:
    """The library's files that are not tested, packages and others in turn, up to so many characters."""
    mine = [text for package in PACKAGES for text in sources(package, tested=False)]
    rest = [path.read_text(encoding="utf-8", errors="ignore") for path in sorted(LIBRARY.glob("*.py"))]
    found, size = list[str](), 0
    for some in (mine, rest):
        random.Random(0).shuffle(some)
    for text in (text for pair in zip(mine, rest, strict=False) for text in pair):
        if size < characters and len(text) < characters // 8:
            found.append(text)
            size += len(text)
    return found


def scored(task: Task, base: str, rows: Sequence[Example], tests: Sequence[Example], recipe: Recipe) -> list[float]:
    """Fine-tune on the rows; the score of each test."""
    labels = PACKAGES if task.kind is Kind.LABEL else ()
    with tempfile.TemporaryDirectory() as folder:
        order = Order(
            task=task, start=Start(base=base), examples=rows, labels=labels, recipe=recipe, folder=Path(folder)
        )
        trained = train(order)
        version = Version(
            id="ver_x", task=task.name, time=0.0, base=base, kind=trained.kind, labels=labels, prior=trained.prior
        )
        backend = LocalBackend(base)
        backend.load(version, trained.weights)
        asked = [Request(task=task, text=row.text, version="ver_x") for row in tests]
        if not labels:
            return [-backend.surprise([one], [row.target]) for one, row in zip(asked, tests, strict=True)]
        replies = backend.reply(asked)
    return [float(reply.text == row.target) for reply, row in zip(replies, tests, strict=True)]


def read(work: Path, characters: int) -> None:
    """Leave the base that has read the domain in `work`, unless it is there."""
    if (work / "base" / "read.json").exists():
        return
    reading = Reading(
        base="builtin",
        domain=texts(characters),
        recipe=replace(named("domain", Train()), looks=4),
        workspace=work / "run",
        report=lambda values: print(json.dumps(values), flush=True),
    )
    done = pretrain(reading, work / "base")
    (work / "base" / "read.json").write_text(json.dumps(told(reading, done)), encoding="utf-8")


def main() -> None:
    """Read, fine-tune, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=tuple(TASKS), default="labels")
    parser.add_argument("--characters", type=int, default=400_000)
    parser.add_argument("--labels", type=int, default=6)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("build/domain"))
    given, began = parser.parse_args(), time.time()
    read(given.work, given.characters)
    recipe = replace(named("first", Train()), epochs=10, looks=5)
    tests, columns = drawn(given.kind, EACH, 0, tested=True), dict[str, list[float]]()
    for draw in range(given.draws):
        rows = drawn(given.kind, given.labels, draw, tested=False)
        for name, base in (("before", "builtin"), ("after", str(given.work / "base"))):
            columns[name] = columns.get(name, []) + scored(TASKS[given.kind], base, rows, tests, recipe)
    gain = paired(columns["after"], columns["before"])
    print(
        json.dumps(
            {
                "bench": "domain",
                "kind": given.kind,
                "value": gain.mean,
                "interval": [gain.low, gain.high],
                "n": gain.n,
                **{name: sum(of) / len(of) for name, of in columns.items()},
                "labels": given.labels,
                "tests": len(tests),
                "seconds": round(time.time() - began),
                "read": json.loads((given.work / "base" / "read.json").read_text(encoding="utf-8")),
            }
        )
    )


if __name__ == "__main__":
    main()
