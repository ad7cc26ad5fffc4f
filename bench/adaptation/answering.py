"""The replies of a support desk, phase by phase: the course of `bench/sequence.py --course answering`.

The built-in traffic again, answered in words. A stage is a phase of the stream: what is learned is a phase's live
messages with the replies that were sent, what is asked are its test messages. Topics come, meanings change, and the
desk changes what it says; rows whose reply is no longer sent to their intent at the end are not asked, for nothing that
is up to date could be right on them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from adaptation.sequence import Item, Size, Stage, curated, even
from homeostat.builtin.resources import traffic_path
from homeostat.types.task import Kind, Task

LONGEST = 160
"""Characters of the longest message that is drawn."""
SIZE = Size(new=200, suite=40, test=80)
"""Rows of each phase."""


def open_answering(seed: int, *, every: int = 1) -> list[Stage]:
    """A stage for each phase, drawn by the seed, with one of `every` rows."""
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if len(row["text"]) <= LONGEST]
    last = max(_phase(row) for row in rows)
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if _phase(row) == last:
            sent[row["label"]].add(row["reply"])
    return [_stage(phase, rows, sent, seed, every) for phase in range(last + 1)]


def _stage(phase: int, rows: Sequence[Any], sent: dict[str, set[str]], seed: int, every: int) -> Stage:
    chance = np.random.default_rng([seed, 6, phase])
    mine = [row for row in rows if _phase(row) == phase]
    holds = [row for row in mine if row["split"] == "test" and row["reply"] in sent.get(row["label"], ())]
    task = Task(name=f"replies_{phase}", kind=Kind.TEXT, instruction="reply", metric="chrf")
    asked = even([_item(row) for row in holds], (SIZE.suite + SIZE.test) // every, chance)
    learned = even([_item(row) for row in mine if row["split"] != "test"], SIZE.new // every, chance)
    cut = SIZE.suite // every
    return Stage(task=task, new=curated(task, learned, asked, seed), suite=tuple(asked[:cut]), test=tuple(asked[cut:]))


def _phase(row: Any) -> int:
    return int(row["truth"]["phase"])


def _item(row: Any) -> Item:
    return Item(text=row["text"], targets=(row["reply"],), group=row["label"])
