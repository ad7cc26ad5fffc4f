"""Make a version again from what is on record of it, and say whether the same comes out, byte by byte.

What was trained is trained again from its dataset, its recipe and its parent; what was merged, mended, taught or made
of a few examples, from the versions it names, the weights and places that its recipe says, and what teachers said.
Nothing is registered, and what was made is thrown away. On a CPU, with the same release of torch and the same number of
threads, the files are the same; where not, they are named, and so are its labels and their prior where these differ.

Exit codes: 0 the same; 1x configuration; 35 what it was made of is not all on record; 41 there is no such version, or
what it was made from is gone; 44 something else came out, or what it was made from has changed.

Example: `homeostat reproduce ver_1v9x3k`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.errors import Tampered
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.web.plain import plain


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a version again from what is on record of it, and say whether the same comes out"""
    with closing(Workshop.open(load(config))) as shop:
        made = shop.store.versions.get(version)
        with Scene().bar("again", 1, f"{version} is made again") as bar:
            found = reproduce(shop, made, bar.training)
    if as_json:
        document(plain(found))
    else:
        parts = {**found.files, "labels": found.labels, "prior": found.prior}
        differing = [name for name, same in parts.items() if not same]
        told = {"same": found.same, "files": len(found.files), "differing": differing}
        facts(version, {**told, "torch": found.torch, "threads": found.threads})
    if not found.same:
        raise typer.Exit(Tampered.exit)
