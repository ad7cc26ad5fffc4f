"""Prints what the gate will ask of a task's next candidate, and how many rows that takes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from homeostat.cli.project import Project
from homeostat.cli.table import document, table
from homeostat.config.load import load
from homeostat.evaluate.needs import ALIKE, BETTER, Need
from homeostat.loop.proving.needs import Planned, planned
from homeostat.loop.workshop import Workshop
from homeostat.web import words

COLUMNS = ("claim", "of", "needs", "there", "these show", "asked")

COUNTED = """Rows are counted as the
gate counts them, a user or an episode once; "needs" is for a chance of 80 %, by the power table. What is not asked for
a proof still counts where a loss is shown."""


def show_needs(config: Path, task: str, *, as_json: bool) -> None:
    """What every claim about the next candidate of a task takes, which may be left out where there is one.

    Raises:
        NothingReleased: no version answers the task yet.
    """
    with closing(Workshop.open(load(config))) as shop:
        found = planned(shop, Project(shop.config, shop.store).task(task))
    document(found) if as_json else _show(found)


def _show(found: Planned) -> None:
    table(f"the gate will ask of the next candidate of {found.task}", COLUMNS, [_row(need) for need in found.needs])
    typer.echo(f"\nCandidate {found.candidate} of its task has to show a gain at p = {found.level:.2g}. {COUNTED}")
    short = [need for need in found.needs if need.what == BETTER and not need.suffices and need.asked]
    for need in short:
        typer.echo(f"{need.name}: {_missing(need)}")


def _row(need: Need) -> tuple[str, ...]:
    points = f"{100 * need.by:.1f} points"
    said = {BETTER: f"better by {points}", ALIKE: f"at most {points} apart"}.get(need.what, f"no {points} lost")
    least = "nothing" if need.least is None else f"{100 * need.least:.1f} points"
    rows = words.count(need.there) + (f" ({words.count(need.rows)} rows)" if need.rows != need.there else "")
    wanted = "no number" if need.needed is None else words.count(need.needed)
    return (said, need.name, wanted, rows, least, "yes" if need.asked else "no, too few")


def _missing(need: Need) -> str:
    if need.needed is None:
        return "no number of rows shows it at this level"
    more = words.several(need.needed - need.there, "row")
    return f"{more} more would show a gain of {100 * need.by:.1f} points four times of five"
