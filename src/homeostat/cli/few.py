"""Begin a task with a few examples of each label: a version in moments, registered as a candidate. Releases nothing.

The method that was measured to be best for one, five and twenty examples of each (`bench/train_6.py`): ridge regression
on the base's states and on words, where what a label is called counts as one more example of it, so that a label
without an example (`tasks.NAME.labels`) can be replied too; `--no-names` where names mean nothing. No weight is
trained. The examples are those of a labeled stream or of a dataset, else what the log has been told; of a stream every
row that is not marked `split: test`. What a champion of the task was taught is learned beside a stream. `--dry-run`
writes nothing.

Exit codes: 0 done; 1x configuration; 2x nothing to learn, a label of which nothing is known, or requests that
say their own label; 3x model, of them 35 the task writes texts; 41 there is no such dataset.

Example: `homeostat few routing --stream examples.jsonl`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.material import wanted
from homeostat.cli.outcome import outcome
from homeostat.cli.table import document, facts
from homeostat.collect.stream import all_history
from homeostat.config.load import load
from homeostat.loop.making.few import from_few, shots_of
from homeostat.loop.workshop import Workshop
from homeostat.train.sound import require_sound
from homeostat.types.version import HEAD


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    stream: Annotated[Path | None, typer.Option(help="A labeled stream, JSON lines, plain or packed.")] = None,
    dataset: Annotated[str, typer.Option(help="Id of a dataset.")] = "",
    names: Annotated[bool, typer.Option("--names/--no-names", help="Whether names of labels are examples.")] = True,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say from what, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Begin a task with a few examples of each label."""
    if dataset and stream is not None:
        raise typer.BadParameter("give one of --dataset and --stream, or neither for the log")
    with closing(Workshop.open(load(config))) as shop:
        asked = wanted(shop, task, HEAD, stream or dataset, unnamed=all_history)
        rows, labels = asked.material.examples, asked.material.labels
        shots = shots_of(asked.task, rows, labels, names=names)
        require_sound(asked.task, rows, shots.labels)
        told: dict[str, Any] = {"examples": len(rows), "labels": len(shots.labels), "names": names}
        if not dry_run:
            kept = asked.material.keep()
            made = from_few(shop, asked.task, kept, shots, names=names, after=asked.parent)
            told = {"version": made.id, "dataset": kept.id, **told, **outcome(shop, made)}
    document(told) if as_json else facts("would learn from" if dry_run else "learned", told)
