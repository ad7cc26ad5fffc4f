"""List the students among the versions, and teach those again whose teacher was trained again since.

A student is a version that `distill` has made. It is due when a version that goes on from its teacher, and was not
refused or taken back, is there. `--update` teaches every student that is due, from where it stands: the new teacher
answers what was asked of the old one and what came since, and a new candidate goes on from the student. Releases
nothing.

Exit codes: 0 printed; 1x configuration; 2x nothing to learn; 3x model.

Example: `homeostat students --update`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.table import document, table
from homeostat.cli.teaching import Given, done, teaching
from homeostat.config.load import load
from homeostat.loop.making.students import Taught, students
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named

COLUMNS = ("student", "task", "state", "taught by", "and now", "update")


def command(
    task: Annotated[str, typer.Argument(help="Name of a task. Empty: all.")] = "",
    update: Annotated[bool, typer.Option("--update", help="Teach those that are due.")] = False,
    recipe: Annotated[str, typer.Option(help="Name of the recipe to teach them by.")] = "student",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the students among the versions, and teach those again whose teacher was trained again."""
    with closing(Workshop.open(load(config))) as shop:
        named(recipe, shop.config.train, where="--recipe")  # a misspelled one is told before anything is done
        found = [_row(shop, taught, recipe if update else "") for taught in students(shop.store, task)]
    if as_json:
        document({"students": found})
        return
    table("students", COLUMNS, [[_said(row[name]) for name in _KEYS] for row in found])


_KEYS = ("student", "task", "state", "teachers", "newest", "update")


def _row(shop: Workshop, taught: Taught, recipe: str) -> dict[str, Any]:
    one = taught.student
    made = _taught_again(shop, taught, recipe) if taught.due and recipe else ""
    return {
        "student": one.id,
        "task": one.task,
        "state": one.state.value,
        "teachers": list(one.teachers),
        "newest": list(taught.teachers),
        "due": taught.due,
        "update": made or ("due" if taught.due else "none"),
    }


def _taught_again(shop: Workshop, taught: Taught, recipe: str) -> str:
    """Id of the candidate that goes on from a student."""
    one, how = taught.student, named(recipe, shop.config.train)
    known = shop.config.task(one.task)
    given = Given(task=known, teachers=taught.teachers, base=one.base, recipe=how, parent=one)
    with teaching(shop, given) as (teacher, names):
        return str(done(shop, given, teacher, names)["version"])


def _said(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
