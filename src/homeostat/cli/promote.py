"""Let a version answer everybody at once, without shadow and canary: a person's decision.

One row records it and `homeostat rollback` takes it back. The version is held to the bytes of its base as they are now;
promoting who answers already has it answer on these, where the base was exchanged under it (E407), and the audit log
keeps the reason. `--dry-run` tells what would change and changes nothing.

Exit codes: 0 done, or nothing to do; 1x configuration; 39 a signature is demanded and it has none; 41 there is no such
version; 61 its state forbids it, or another version is on trial.

Example: `homeostat promote ver_1v9x3k --because "checked by hand" --dry-run`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.rehearsal import carry_out, tell
from homeostat.llm.content import bytes_of
from homeostat.release.registry import promote
from homeostat.release.signing import Signing


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    because: Annotated[
        str, typer.Option(help="The reason, kept with the release, or in the audit log.")
    ] = "promoted by hand",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Let a version answer everybody at once, without shadow and canary: a person's decision."""
    with project(config) as opened:
        known, signing = opened.store.versions.get(version), Signing.of(opened.config)
        task = opened.config.task(known.task, where=version).name  # of which there is none where it was received
        if signing.demanded:
            signing.signed_by(opened.store, known)
        base = bytes_of(opened.store, known.stands_on(opened.config.model.weights))
        outcome = carry_out(
            opened.store,
            task,
            lambda store: promote(store, task, version, because, now=time.time(), base=base),
            dry_run=dry_run,
        )
    tell(outcome, as_json=as_json)
