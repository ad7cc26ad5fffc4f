"""Say where something came from, down to the requests that taught it, and what came of it.

Takes the id of anything: a reply (`int_…`), feedback, a signal, a decision, a dataset, a version, a report, a verdict,
a release, a turn. More than 20 of one kind are counted instead of listed.

Exit codes: 0 printed; 1x configuration; 41 the store does not hold the id.

Example: `homeostat why ver_1v9x3k --depth 3`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.store.lineage import DEPTH, lines, why


def command(
    id: Annotated[str, typer.Argument(help="Id of anything in the store.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    depth: Annotated[int, typer.Option(min=1, help="Steps to walk in each direction.")] = DEPTH,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say where something came from, down to the requests that taught it, and what came of it."""
    with project(config) as opened:
        tree = why(opened.store, id, depth)
    if as_json:
        document(tree)
    else:
        typer.echo("\n".join(lines(tree)))
