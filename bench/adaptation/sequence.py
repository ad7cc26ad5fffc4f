"""Five tasks of different kinds, which one model learns one after another: the course of `bench/sequence.py`.

Intents (CLINC150, banking), topics (arXiv titles), sentiment (SST-2), descriptions of restaurants (E2E), and which of
two replies of a support desk is the right one. The last is built, not collected: the preferences of people that are at
hand are between long dialogues. The reply that was sent to a message of the built-in traffic is put beside one in the
same register that was sent to a message with another intent, as a correction stands beside what it corrects.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adaptation.courses import Skipped
from homeostat.builtin.resources import traffic_path
from homeostat.config.schema import Curate
from homeostat.curate.build import Inputs, build
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task

TOPICS = ("cs.NI", "cs.CR", "cs.DB", "q-bio.NC", "cs.RO")
FEELINGS = ("negative", "positive")
BRIEFEST, LONGEST = 20, 90
"""Characters of the shortest and the longest text that is drawn, for the sake of a short course."""
LONGEST_REPLY = 110
SLOTS = range(3, 7)
"""Attributes of a restaurant that is described."""
FORMAL = "formal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A request that is learned or asked."""

    text: str
    targets: tuple[str, ...]
    """Its label; or replies that are right, of which the first is the one that is learned."""
    rejected: str = ""
    """A reply that is worse, where two are compared."""
    group: str = ""
    """Its label, from each of which as many rows are drawn; the same for all replies in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A task of the sequence with its rows."""

    task: Task
    new: tuple[Example, ...]
    """What is learned when its turn comes: curated, and fenced against the rows below."""
    suite: tuple[Item, ...]
    """What the gate asks."""
    test: tuple[Item, ...]
    """What the figures are made of; nothing else looks at it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels, none for replies in words."""
        return self.task.labels

    @property
    def compares(self) -> bool:
        """Whether it is about which of two replies is the better."""
        return any(item.rejected for item in self.test)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows each task has to learn, for the gate, and to be measured by."""

    new: int
    suite: int
    test: int


Pools = tuple[list[Item], list[Item]]
"""Rows to learn from, and rows to ask."""

SIZES: Mapping[str, Size] = {
    "intent": Size(new=140, suite=50, test=120),
    "topic": Size(new=140, suite=50, test=120),
    "sentiment": Size(new=160, suite=50, test=120),
    "description": Size(new=64, suite=24, test=32),
    "preference": Size(new=48, suite=32, test=64),
}


def open_sequence(data: Path, seed: int, *, every: int = 1, sizes: Mapping[str, Size] = SIZES) -> list[Stage]:
    """The stages in their order, drawn by the seed, with one of `every` rows.

    Raises:
        Skipped: the public sets are not here.
    """
    stages = []
    for number, (name, (task, read)) in enumerate(_TASKS.items()):
        size = sizes[name]
        known, asked = read(data)
        chance = np.random.default_rng([seed, 5, number])
        asked = even(asked, (size.suite + size.test) // every, chance)
        new = curated(task, even(known, size.new // every, chance), asked, seed)
        cut = size.suite // every
        stages.append(Stage(task=task, new=new, suite=tuple(asked[:cut]), test=tuple(asked[cut:])))
    return stages


def even(pool: Sequence[Item], rows: int, chance: np.random.Generator) -> list[Item]:
    """Rows in an order that is drawn, as many of each group as of the others."""
    strata: defaultdict[str, list[Item]] = defaultdict(list)
    for k in chance.permutation(len(pool)):
        strata[pool[k].group].append(pool[k])
    each = -(-rows // len(strata))
    drawn = [item for stratum in strata.values() for item in stratum[:each]]
    return [drawn[k] for k in chance.permutation(len(drawn))][:rows]


def curated(task: Task, rows: Sequence[Item], asked: Sequence[Item], seed: int) -> tuple[Example, ...]:
    """What curation leaves of rows to learn."""
    given = [
        Example(text=item.text, target=item.targets[0], task=task.name, time=float(k), rejected=item.rejected)
        for k, item in enumerate(rows)
    ]
    inputs = Inputs(task=task, imported=given, evaluation=[item.text for item in asked], labels=task.labels)
    return build(inputs, Curate(replay=0.0, seed=seed)).examples


def _read(path: Path) -> Iterator[Any]:
    """The lines of a packed JSONL file.

    Raises:
        Skipped: it is not here.
    """
    if not path.exists():
        raise Skipped(f"no file {path.parent.name}/{path.name}; name the folder of the public sets with --data")
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _fits(text: str) -> bool:
    return BRIEFEST <= len(text) <= LONGEST


def _intents(data: Path) -> Pools:
    (sets,) = _read(data / "clinc150" / "data_full.json.gz")
    return _labeled(sets["train"]), _labeled(sets["test"])


def _labeled(rows: Sequence[tuple[str, str]]) -> list[Item]:
    return [_of_label(text, label) for text, label in rows if label in _INTENTS]


def _of_label(text: str, label: str) -> Item:
    return Item(text=text, targets=(label,), group=label)


def _topics(data: Path) -> Pools:
    rows = _read(data / "arxiv_temporal" / "arxiv_2000_2019_15cat.jsonl.xz")
    items = [_of_label(row["title"], row["label"]) for row in rows if row["label"] in TOPICS and _fits(row["title"])]
    return items[::2], items[1::2]


def _feelings(data: Path) -> Pools:
    pools: tuple[list[Item], list[Item]] = ([], [])
    for row in _read(data / "sentence_classification" / "sentcls.jsonl.xz"):
        if row["ds"] in ("sst2/train", "sst2/test") and _fits(row["text"]):
            pools[row["ds"] == "sst2/test"].append(_of_label(row["text"], FEELINGS[int(row["label"])]))
    return pools


def _descriptions(data: Path) -> Pools:
    """To learn, each reference is a row; asked, all references of a restaurant are right."""
    known, asked = (_references(data / "e2e_nlg" / f"{name}.csv.xz") for name in ("devset", "testset_w_refs"))
    apart = [(text, said) for text, told in known.items() for said in told if len(said) <= LONGEST_REPLY]
    return [Item(text=text, targets=(said,)) for text, said in apart], [
        Item(text=text, targets=tuple(told)) for text, told in asked.items() if len(told) > 1
    ]


def _references(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        raise Skipped(f"no file {path.parent.name}/{path.name}; name the folder of the public sets with --data")
    found: defaultdict[str, list[str]] = defaultdict(list)
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["mr"].count("[") in SLOTS:
                found[row["mr"]].append(row["ref"])
    return found


def _preferences(data: Path) -> Pools:
    """Messages of the first phase, with the reply that was sent and one to another intent in the same register."""
    rows = [row for row in _read(traffic_path()) if row["truth"]["phase"] == 0 and _fits(row["text"])]
    sent: defaultdict[bool, dict[str, str]] = defaultdict(dict)
    for row in rows:
        sent[row["tags"]["register"] == FORMAL][row["reply"]] = row["label"]
    pools: tuple[list[Item], list[Item]] = ([], [])
    chance = np.random.default_rng(0)
    for row in rows:
        others = sent[row["tags"]["register"] == FORMAL]
        wrong = [reply for reply, label in others.items() if label != row["label"]]
        item = Item(text=row["text"], targets=(row["reply"],), rejected=wrong[chance.integers(len(wrong))])
        pools[row["split"] == "test"].append(item)
    return pools


_INTENTS = (
    "freeze_account", "pin_change", "bill_due", "pay_bill", "interest_rate",
    "min_payment", "transfer", "order_checks", "spending_history", "report_fraud",
)  # fmt: skip
_TASKS = {
    "intent": (Task(name="intent", instruction="what is wanted?", labels=_INTENTS), _intents),
    "topic": (Task(name="topic", instruction="which field?", labels=TOPICS), _topics),
    "sentiment": (Task(name="sentiment", instruction="is it liked?", labels=FEELINGS), _feelings),
    "description": (Task(name="description", kind=Kind.TEXT, instruction="describe", metric="chrf"), _descriptions),
    "preference": (Task(name="preference", kind=Kind.TEXT, instruction="reply", metric="win_rate"), _preferences),
}
