"""Rows of a labeled stream, turned into what a task learns from, is tested on, or keeps in its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from homeostat.collect.stream import Split, StreamRow
from homeostat.curate.fence import Fence
from homeostat.errors import BadStream
from homeostat.loop.steps import remembered
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task

SOURCE = "import"
"""Who said it, where a label came from a file."""


def lessons(rows: Iterable[StreamRow], task: Task, *splits: Split) -> list[Example]:
    """The rows of these splits as examples to learn from.

    Raises:
        BadStream: the task replies with text and a row has none.
    """
    return [
        Example(text=row.text, target=_target(row, task), task=task.name, time=row.time, tags=row.tags)
        for row in rows
        if row.split in splits
    ]


def exams(rows: Iterable[StreamRow], task: Task) -> list[Exam]:
    """The test rows. Raises as `lessons`."""
    return [
        Exam(text=row.text, target=_target(row, task), time=row.time, until=row.until, tags=row.tags)
        for row in rows
        if row.split is Split.TEST
    ]


def beside_others(shop: Workshop, task: Task, suite: Sequence[Exam]) -> list[Exam]:
    """The test rows of a first import with those that came with rows alone before it, in the order of time. What a
    first import that was broken off has left there has no log beside it, and goes.
    """
    kept = shop.suite(task.name) if shop.store.interactions.count(task.name) else []
    return sorted([*kept, *(exam for exam in suite if exam not in kept)], key=lambda exam: exam.time)


def examine(shop: Workshop, task: Task, rows: Sequence[StreamRow]) -> int:
    """Add the test rows to a task's suite, but for those it has and those like what its champion learned; how many."""
    champion = shop.store.aliases.get(task.name, "champion")
    learned = remembered(shop, shop.store.versions.get(champion)) if champion else []
    fresh = {row.text for row in Fence(row.text for row in learned).outside(lessons(rows, task, Split.TEST))}
    return shop.add_to_suite(task.name, [exam for exam in exams(rows, task) if exam.text in fresh])


def entries(rows: Iterable[StreamRow], task: Task) -> Iterator[tuple[Interaction, Feedback]]:
    """The rows that are not for testing, each as a request whose reply is not known and what was said of it.

    No version answered them, so their reply is empty and nobody's. Ids follow from what a row says: importing it twice
    is importing it once, and a row whose label was corrected gives a second statement about the same request. Raises
    as `lessons`.
    """
    kind = FeedbackKind.LABEL if task.kind is Kind.LABEL else FeedbackKind.CORRECTION
    for row in rows:
        if row.split is Split.TEST:
            continue
        id, value = ids.derived("int", SOURCE, task.name, row.time, row.text), _target(row, task)
        yield (
            Interaction(id=id, task=task.name, time=row.time, text=row.text, reply="", version="", tags=row.tags),
            Feedback(
                id=ids.derived("fbk", id, value),
                interaction=id,
                kind=kind,
                value=value,
                time=row.time,
                source=SOURCE,
            ),
        )


def _target(row: StreamRow, task: Task) -> str:
    """What the reply should be."""
    if task.kind is Kind.LABEL:
        return row.label
    if not row.reply:
        raise BadStream(
            f"task '{task.name}' replies with text, and this row has no `reply`",
            where=f"row {row.index + 1} by time",
            fix="give every row a `reply`, or name a task of kind `label`",
        )
    return row.reply
