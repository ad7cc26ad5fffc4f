"""List the versions of a task, or of all tasks, oldest first: what they are, where they stand, what they cost.

`moved` is how far a version is from the champion that it was made beside, in nats on new requests (`kl_new`): the
farther, the more it is likely to have forgotten. `--id` shows one of them whole, with its recipe and its labels.

Exit codes: 0 printed; 1x configuration; 41 there is no such version.

Example: `homeostat versions routing`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts, table
from homeostat.store import Store
from homeostat.types.version import Version
from homeostat.web import words
from homeostat.web.plain import plain

COLUMNS = (
    "id",
    "task",
    "kind",
    "state",
    "aliases",
    "parent",
    "labels",
    "recipe",
    "steps",
    "FLOPs",
    "moved",
    "time (UTC)",
)


def command(
    task: Annotated[str, typer.Argument(help="Name of a task. Empty: all.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    one: Annotated[str, typer.Option("--id", help="Show this version whole.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the versions of a task, or of all tasks, oldest first."""
    with project(config) as opened:
        if one:
            found = _with_aliases(opened.store, opened.store.versions.get(one))
            document(found) if as_json else facts(one, found)
            return
        name = opened.task(task) if task else ""
        versions = [_with_aliases(opened.store, version) for version in opened.store.versions.list(name)]
    if as_json:
        document({"versions": versions})
    else:
        table("versions", COLUMNS, [_row(version) for version in versions])


def _with_aliases(store: Store, version: Version) -> dict[str, Any]:
    names = [alias for alias, named in store.aliases.all(version.task).items() if named == version.id]
    return {**plain(version), "aliases": names}


def _row(version: dict[str, Any]) -> list[str]:
    cost, recipe = version["cost"], version["recipe"]
    return [
        version["id"],
        version["task"],
        version["kind"],
        version["state"],
        ", ".join(version["aliases"]),
        words.short(version["parent"]) if version["parent"] else "–",
        words.count(len(version["labels"])),
        str(recipe.get("name", "–")),
        words.count(cost["steps"]) if "steps" in cost else "–",
        words.flops(cost["flops"]) if "flops" in cost else "–",
        words.amount(cost["kl_new"]) if cost.get("kl_new") else "–",
        words.when(version["time"]),
    ]
