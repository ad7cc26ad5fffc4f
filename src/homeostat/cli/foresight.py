"""Prints what a turn opened now would do. Reads the model library, so `turn` imports it only for `--dry-run`."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import typer

from homeostat.cli.table import document, table
from homeostat.config.schema import Config
from homeostat.loop.deciding.foresight import Attempt, Foresight, foresee
from homeostat.loop.workshop import Workshop
from homeostat.web import words
from homeostat.web.plain import plain

COUNTED = ("new", "replayed", "recalled", "total")
"""Counts of a dataset that are shown; the document has them all."""


def show(config: Config, task: str, until: float, *, as_json: bool) -> None:
    """Foresee the turn and print it."""
    with closing(Workshop.open(config)) as shop:
        seen = foresee(shop, task, until)
    if as_json:
        document(_document(seen))
        return
    if seen.after:
        typer.echo(f"{seen.after} is under way, and no turn begins before it has ended; one that began now would find:")
    typer.echo(seen.decision.because)
    if seen.attempts:
        columns = ("recipe", *COUNTED, "labels", "steps", "FLOPs")
        title = "\nwould build and train at most, one after the other until one passes the gate"
        table(title, columns, [_row(attempt) for attempt in seen.attempts])


def _document(seen: Foresight) -> dict[str, Any]:
    """All of it, but for the id of a decision that nobody has made."""
    found: dict[str, Any] = plain(seen)
    del found["decision"]["id"]
    return found


def _row(attempt: Attempt) -> tuple[str, ...]:
    counts = [words.count(attempt.counts[name]) for name in COUNTED]
    training = attempt.training
    return (
        attempt.recipe,
        *counts,
        words.count(attempt.labels),
        words.count(training.steps),
        words.flops(training.flops),
    )
