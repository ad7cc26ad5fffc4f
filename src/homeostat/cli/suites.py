"""List a task's suites: what every candidate is asked beside its test rows, and what it must not lose there.

`homeostat suites add FILE` adds one; `homeostat eval VERSION` asks them all.

Exit codes: 0 listed, or dropped; 1x configuration; 41 there is no such suite.

Example: `homeostat suites --drop golden`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.loop.proving import suites as book
from homeostat.types.suite import Suite

COLUMNS = ("suite", "version", "cases", "test rows", "fixed", "under", "benchmarks", "demanded")
SHOWN = 12
"""Letters of a suite's hash that are shown."""


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    drop: Annotated[str, typer.Option(help="Name of a suite that counts no more. What it said stays on record.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List a task's suites: what every candidate is asked beside its test rows, and what it must not lose there."""
    with project(config) as opened:
        name = opened.task(task)
        if drop:
            book.drop(opened.store, name, drop)
        hashes, found = book.kept(opened.store, name), book.suites(opened.store, name)
    if as_json:
        document({"task": name, "versions": hashes, "suites": found})
        return
    rows = [
        (
            s.name,
            hashes[s.name][:SHOWN],
            *map(str, (len(s.cases), s.test_rows, s.fixed)),
            ", ".join(s.under),
            _benchmarks(s),
            demanded(s),
        )
        for s in found
    ]
    table(f"suites of {name}", COLUMNS, rows)


def _benchmarks(suite: Suite) -> str:
    """`general, 200 documents of each`; the folder's name."""
    often = f", {suite.documents:,} documents of each" if suite.documents else ""
    return Path(suite.benchmarks).name + often


def demanded(suite: Suite) -> str:
    """What a suite demands, in words."""
    least = f"at least {100 * suite.at_least:g} %" if suite.at_least is not None else ""
    margin = (
        f"at most {100 * suite.margin:g} points lost" if suite.margin is not None else "no more lost than of test rows"
    )
    return ", ".join(filter(None, (least, margin)))
