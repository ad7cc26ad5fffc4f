"""Import a labeled stream: the history trains a task's first champion, the test rows become its test suite.

FILE holds JSON lines, plain or gzipped: `{"text", "label", "time"}` (`reply` in place of `label` for a task of text)
and, if you like, `split` (`history`, `live`, `test`), `tags`, `until`. Without splits every fifth row is for testing
and all others are history; rows marked `live` are left out. With `--rows-only` nothing is trained: all rows but those
for testing enter the log as requests with feedback, for the loop or `homeostat train` to learn from; those for testing
join the task's test suite, unless the champion has learned them. Labels that it does not know are counted. Importing a
file twice is importing it once.

Exit codes: 0 done; 1x configuration; 2x the file cannot be read, or nothing in it can be learned from; 3x model; 4x
store; 61 the task has a champion already.

Example: `homeostat import tickets.jsonl.gz --task routing`
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.labeled import beside_others, entries, examine, exams, lessons
from homeostat.cli.outcome import outcome
from homeostat.cli.project import chosen
from homeostat.cli.table import document, facts
from homeostat.collect.stream import Split, StreamRow, history_split, read_stream
from homeostat.config.load import load
from homeostat.errors import NotReleasable
from homeostat.loop.found import found
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.types.task import Kind, Task

CHUNK = 500
"""Rows stored in one transaction."""


def command(
    file: Annotated[Path, typer.Argument(help="A labeled stream.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    rows_only: Annotated[bool, typer.Option("--rows-only", help="Train nothing; put the rows into the log.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Import a labeled stream: the history trains a task's first champion, the test rows become its test suite."""
    settings = load(config)
    known = settings.task(chosen(settings, task, where="--task"))
    needed = () if rows_only else (Split.HISTORY,)
    # What is true of the rows beside their labels is for scoring alone.
    rows, _ = read_stream(file, unnamed=history_split, needed=needed, labeled=known.kind is Kind.LABEL)
    with closing(Workshop.open(settings)) as shop:
        done = _log(shop, known, rows) if rows_only else _champion(shop, known, rows)
    document(done) if as_json else facts(f"imported into {known.name}", done)


def _champion(shop: Workshop, task: Task, rows: list[StreamRow]) -> dict[str, Any]:
    """Found the task on the stream."""
    champion = shop.store.aliases.get(task.name, "champion")
    if champion is not None:
        fix = "add the rows to its log with --rows-only, then `homeostat train`, or wait for the loop; if the first "
        fix += f"import was wrong, stop what runs, move {shop.config.folder} away, and import again"
        raise NotReleasable(f"{champion} answers task '{task.name}' already", fix=fix)
    history, suite = lessons(rows, task, Split.HISTORY), exams(rows, task)
    with Scene().bar("train", 1, "the first version is being trained") as bar:
        now = max(example.time for example in history)
        version = found(shop, task.name, history, beside_others(shop, task, suite), now=now, report=bar.training)
    return {
        "version": version.id,
        "history": len(history),
        "test": len(suite),
        "left_out": Counter(row.split for row in rows)[Split.LIVE],
        "labels": len(version.labels),
        **{**version.cost, **outcome(shop, version)},
    }


def _log(shop: Workshop, task: Task, rows: list[StreamRow]) -> dict[str, Any]:
    """Put the rows into the log."""
    pairs, new, said = list(entries(rows, task)), 0, 0
    with Scene().bar("rows", len(pairs)) as bar:
        for start in range(0, len(pairs), CHUNK):
            some = pairs[start : start + CHUNK]
            new += shop.store.interactions.add([interaction for interaction, _ in some])
            said += shop.store.feedback.add([feedback for _, feedback in some])
            bar.to(start + len(some))
    known = _known_labels(shop, task)
    unknown = sum(feedback.value not in known for _, feedback in pairs) if task.kind is Kind.LABEL else 0
    return {"interactions": new, "feedback": said, "unknown_labels": unknown, "test": examine(shop, task, rows)}


def _known_labels(shop: Workshop, task: Task) -> tuple[str, ...]:
    """Labels that a task can reply with now: the champion's, or those it is declared with."""
    champion = shop.store.aliases.get(task.name, "champion")
    return shop.store.versions.get(champion).labels if champion else task.labels
