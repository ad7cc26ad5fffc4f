"""Show the versions of a task in MLflow's model registry: their states, parents, verdicts, cards, and who answers.

At the server of MLFLOW_TRACKING_URI, else in the SQLite file of `tracking/mlflow.db`. Nothing is read back: what counts
stays here. Mirroring again brings it up to date.

Exit codes: 0 mirrored; 1x configuration, or the extra `mlflow` is missing.

Example: `homeostat mirror routing`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.release.mirror import mirror, registry


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the versions of a task in MLflow's model registry."""
    with project(config) as opened:
        name = opened.task(task)
        client = registry(Path(opened.config.folder) / "tracking")
        found = mirror(opened.store, opened.config.project, name, client)
    if as_json:
        document(found)
        return
    aliases = [f"{alias}: {version}" for alias, version in found.aliases.items()]
    counts = {"versions": len(found.versions), "new": len(found.new), "brought up to date": len(found.changed)}
    facts(f"mirrored as {found.model}", {**counts, "aliases": aliases})
