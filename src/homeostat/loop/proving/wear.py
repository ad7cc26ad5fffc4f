"""How worn test rows are: which have gated so many candidates that they only guard from now on, and prove no gain.

Whoever makes candidate after candidate and is told each time how it did on the same rows, comes to suit these rows,
with or without intent. No level helps against that, only other rows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.evaluate.account import entries, firsts
from homeostat.evaluate.groups import rows_needed
from homeostat.evaluate.score import PairedRow
from homeostat.loop.workshop import Exam, Workshop
from homeostat.store import Store
from homeostat.types.report import Report

WORN = 12
"""Candidates that a test row may gate (`python bench/account.py`: what an adaptive maker gains from so many)."""
RETIRED = "retired test rows"
"""The part of a report in which worn rows guard what is known: apart from all others, as a suite does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """The test rows of a task, by how worn they are."""

    gating: tuple[Exam, ...]
    """Those that a gain may be shown on."""
    retired: tuple[Exam, ...] = ()
    """Those that only guard."""


def row_id(row: Exam) -> str:
    """What a test row is called in reports: by its text, so that it is the same row in all of them."""
    return hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def used(store: Store, task: str, own: str = "", before: float = math.inf) -> Counter[str]:
    """How many candidates each test row has gated before a moment, by its id, and before the verdict of this id."""
    found = Counter[str]()
    for verdict, _ in firsts(entries((one for one in store.verdicts.list(task) if one.time < before), own)):
        report = store.reports.get(verdict.report)
        if store.blobs.holds(report.rows):  # else rows of it were erased
            lines = map(json.loads, store.blobs.text(report.rows).splitlines())
            found.update({line["id"] for line in lines if line["group"] not in report.suites})
    return found


def worn(store: Store, report: Report, rows: Sequence[PairedRow], own: str = "") -> int:
    """How many candidates the most worn of the rows that a report shows a gain on had gated before; 0 where none has
    gated WORN of them.
    """
    wear = used(store, report.task, own)
    most = max((wear[row.id] for row in rows if row.group not in report.suites), default=0)
    return most if most >= WORN else 0


def rested(shop: Workshop, task: str, shown: Sequence[Exam]) -> Rested:
    """Which of the test rows shown so far gate. Worn rows retire as soon as the fresh ones are as many as the gate
    wants of a group (247 by default); until then they gate on, and what passes on them is unsure.
    """
    wear, settings = used(shop.store, task), shop.config.evaluate
    fresh = tuple(row for row in shown if wear[row_id(row)] < WORN)
    if len(fresh) < rows_needed(max(settings.margin, settings.small_margin), settings):
        return Rested(gating=tuple(shown))
    return Rested(gating=fresh, retired=tuple(row for row in shown if wear[row_id(row)] >= WORN))
