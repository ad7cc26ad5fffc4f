"""Take in a version that another project has exported, as a candidate. Releases nothing.

Nothing of the file is believed before its signature: who made it has to be trusted (`homeostat sign --trust`), every
file in it has to have the hash that was signed, and weights that could run code are refused. `--unsigned` takes what
nobody who is trusted has signed, unless `release.signed` is on.

Exit codes: 0 taken in, or there already; 1x configuration; 33 its weights could run code; 39 nobody who is trusted has
signed it; 45 it is damaged, or no archive; 61 another version of its id is there.

Example: `homeostat receive routing.tar`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.release.archive import take_in
from homeostat.release.signing import Signing
from homeostat.web.plain import plain

LONG = frozenset({"recipe", "cost", "config"})
"""What `homeostat versions --id` and the card tell, and nobody looks for here."""


def command(
    file: Annotated[Path, typer.Argument(exists=True, help="The archive.")],
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Take it without a trusted signature.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Take in a version that another project has exported, as a candidate."""
    with project(config) as opened:
        before = {one.id for one in opened.store.versions.list()}
        version = take_in(opened.store, file, Signing.of(opened.config), unsigned=unsigned)
        asked = version.task in opened.config.tasks
    if as_json:
        document(version)
        return
    if not asked:
        typer.echo(
            f"the project has no task '{version.task}': it answers nobody before homeostat.yaml has one", err=True
        )
    fields = {name: value for name, value in plain(version).items() if name not in LONG}
    facts(f"{version.id} " + ("was there already" if version.id in before else "is taken in"), fields)
