"""A candidate of the small project that forgot, and which the gate has refused."""

from __future__ import annotations

from small_project import TASK

from homeostat.loop import steps
from homeostat.loop.proving import judging
from homeostat.loop.steps import once
from homeostat.loop.workshop import Workshop
from homeostat.types.version import State, Version
from loop.bystander import NOW


def refused(shop: Workshop) -> None:
    """Train one on new rows alone, and ask the gate."""
    dataset = once(NOW, "curate.naive", steps.curate, "naive")
    candidate = once(NOW, "train.naive", steps.train, "naive", dataset)
    report = once(NOW, "evaluate.naive", judging.evaluate, candidate)
    once(NOW, "gate.naive", judging.gate, report, candidate)
    assert shop.store.versions.get(candidate).state is State.REFUSED


def right(shop: Workshop, version: Version, *, known: bool = True) -> float:
    """The share of the test rows that a version tells right: of labels that the champion knows, or of new ones."""
    labels = shop.champion(TASK).labels
    rows = [row for row in shop.suite(TASK) if (row.target in labels) is known]
    replies = shop.replies(shop.config.task(TASK), version, [row.text for row in rows])
    return sum(reply == row.target for reply, row in zip(replies, rows, strict=True)) / len(rows)
