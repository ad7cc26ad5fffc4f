"""Remove files that nothing points to: weights and datasets of no row, and copies laid out of them.

A file stays if its hash stands in any row, or if it was stored within the last day. `--dry-run` tells what would be
removed and removes nothing.

Exit codes: 0 done, or told; 1x configuration; 44 the database is damaged, and nothing was removed.

Example: `homeostat gc --dry-run`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.web.plain import plain


def command(
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go, and remove nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Remove files that nothing points to."""
    with project(config) as opened:
        found = opened.store.collect_garbage(dry_run=dry_run)
    if as_json:
        document({"dry_run": dry_run, **plain(found)})
        return
    said = {"blobs": len(found.blobs), "laid out folders": len(found.folders), "bytes": found.bytes, "kept": found.kept}
    facts("would be removed" if dry_run else "removed", said)
