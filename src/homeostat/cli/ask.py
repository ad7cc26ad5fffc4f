"""Add a suite to its task, in place of the one of its name: from now on every candidate is asked.

What it asks is fenced from training, but for what was learned before. `--dry-run` reads the file and changes nothing.

Exit codes: 0 added; 1x what the file says, or the configuration; 23 the file cannot be read.

Example: `homeostat suites add suites/golden.yaml`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import chosen, project
from homeostat.cli.suites import demanded
from homeostat.cli.table import document, facts
from homeostat.evaluate.suites.ask import demands
from homeostat.evaluate.suites.read import read
from homeostat.loop.suites import keep


def command(
    file: Annotated[Path, typer.Argument(help="YAML file of the suite.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the file, and change nothing.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Add a suite to its task, in place of the one of its name: from now on every candidate is asked."""
    with project(config) as opened:
        suite = read(file, lambda name: opened.config.task(chosen(opened.config, name, where=str(file))))
        changed = not dry_run and keep(opened.store, suite)
    if as_json:
        document({"suite": suite, "parts": list(demands(suite)), "changed": changed})
        return
    said = {
        "task": suite.task,
        "cases": len(suite.cases),
        "test rows": suite.test_rows,
        "parts": list(demands(suite)),
        "demanded": demanded(suite),
    }
    facts(f"suite {suite.name}: " + ("read" if dry_run else "added" if changed else "as it was"), said)
