"""Test rows that grow out of the log: a label, or a task of text, that has too few holds some labeled requests out.

Else a label that came with the traffic would never be examined: of what no test row speaks the gate can say nothing.
Which rows are held out is settled by their texts before anybody has seen them, so nobody chooses an easy examination;
and no more is kept from training than the gate has use for.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from homeostat.curate.fence import Fence
from homeostat.curate.target import target
from homeostat.curate.text import key
from homeostat.evaluate.slices import FEWEST
from homeostat.loop.listening.held import book
from homeostat.loop.proving.wear import WORN, row_id, used
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.dataset import Example
from homeostat.types.task import Kind

ONE_IN = 5
"""Of the labeled requests whose label, or task, has too few test rows, one in so many is held out."""
TEXTS = 40
"""Test rows that a task of text wants."""


def grow(shop: Workshop, task: str, learned: Sequence[Example], until: float) -> int:
    """Hold out test rows among what was labeled by `until` and not learned; how many.

    A label wants as many test rows as a loss can be told by (`evaluate.slices`), a task of text as many as a target is
    asked for a proof on; rows that were worn before (`loop.wear`) count as none. Once they have them, everything is for
    learning. Doing it again changes nothing.

    Args:
        shop: the open project.
        task: its name.
        learned: what the champion and those before it were trained on; nothing like it is held out.
        until: the moment up to which the turn looks, in seconds since 1970.
    """
    suite, kind, wear = shop.suite(task), shop.config.task(task).kind, used(shop.store, task, before=until)
    gating = [row for row in suite if row.time <= until < row.until and wear[row_id(row)] < WORN]
    held = Counter(_group(kind, row.target) for row in gating)
    enough = FEWEST if kind is Kind.LABEL else TEXTS
    lots = [row for row in _drawn(shop, task, until) if held[_group(kind, row.target)] < enough]
    if not lots:
        return 0
    new = []
    for row in Fence([*(row.text for row in learned), *(row.text for row in suite)]).outside(lots):
        if held[group := _group(kind, row.target)] < enough:
            held[group] += 1
            new.append(Exam(text=row.text, target=row.target, time=row.time, tags=row.tags))
    return shop.add_to_suite(task, new)


def _group(kind: Kind, target: str) -> str:
    """What is to have test rows enough: each label, or all texts together."""
    return target if kind is Kind.LABEL else ""


def _drawn(shop: Workshop, task: str, until: float) -> list[Example]:
    """Every fifth of the newly labeled requests, by its text, in the order of time."""
    champion, doubted = shop.champion(task), book(shop.store, task).held
    since = shop.store.datasets.get(champion.dataset).time if champion.dataset else 0.0
    pairs = shop.store.interactions.labeled(task, feedback_until=until)
    fresh = [pair for pair in pairs if pair[1].time > since and pair[1].id not in doubted]
    return [row for row in target(fresh, shop.config.task(task), champion.labels) if _lot(row.text) % ONE_IN == 0]


def _lot(text: str) -> int:
    """A number that hangs on what a text says alone: copies of it share their fate."""
    return int.from_bytes(hashlib.sha256(key(text).encode("utf-8", "surrogatepass")).digest()[:8], "big")
