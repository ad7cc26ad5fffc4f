"""Go back: end the trial of a candidate if there is one, else let the champion before this one answer again.

With `--to` go back, or forward again, to that earlier champion, whatever is on trial. The gateway follows within
`release.poll_s` seconds. `--dry-run` tells what would change and changes nothing.

Exit codes: 0 done; 1x configuration; 41 there is no such version; 61 that version never answered everybody; 62 there is
no way back.

Example: `homeostat rollback routing --because "complaints since noon"`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.rehearsal import carry_out, tell
from homeostat.release.registry import rollback


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    to: Annotated[str, typer.Option(help="Id of an earlier champion.")] = "",
    because: Annotated[str, typer.Option(help="The reason, kept with the release.")] = "rolled back by hand",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Go back: end the trial of a candidate if there is one, else let the champion before this one answer again."""
    with project(config) as opened:
        name = opened.task(task)
        outcome = carry_out(
            opened.store,
            name,
            lambda store: rollback(store, name, because, to=to, now=time.time()),
            dry_run=dry_run,
        )
    tell(outcome, as_json=as_json)
