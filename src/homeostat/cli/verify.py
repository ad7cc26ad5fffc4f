"""Check that the store still holds together: every row and blob against its hash, every reference, every count.

The audit log's chain is checked too, and what it saw written against what is there. Reads everything, so it takes as
long as reading the disk takes. Changes nothing.

Exit codes: 0 all is well; 1x configuration; 44 something is wrong, one line each.

Example: `homeostat verify --json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import Tampered


def command(
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Check that the store still holds together: every row and blob against its hash, every reference, every count."""
    with project(config) as opened:
        problems = opened.store.verify()
    if as_json:
        document({"ok": not problems, "problems": problems})
    else:
        typer.echo("\n".join(problems) or "all is well: rows, audit log, references, counts and blobs")
    if problems:
        raise typer.Exit(Tampered.exit)
