"""Write a version to one file that can be carried to another project: weights, record, card, hashes, signature.

It is signed with the project's own key; whoever takes it in has to trust that key (`homeostat sign --public` prints
it). It holds no request and no example: of the dataset its hash, its counts and its labels go along.

Exit codes: 0 written; 1x configuration; 39 the project's key cannot be used; 41 there is no such version; 44 a file of
it has changed since it was stored.

Example: `homeostat export ver_1v9x3k routing.tar`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.release.archive import export
from homeostat.release.signing import Signing


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced when it is whole.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Write a version to one file that can be carried to another project."""
    hold_writable(file)
    with project(config) as opened:
        signing = Signing.of(opened.config)
        manifest = export(opened.store, opened.store.versions.get(version), file, signing)
        key = next(iter(signing.keys.trusted()))
    said = {"version": version, "file": str(file), "bytes": file.stat().st_size, "manifest": manifest, "signed by": key}
    document(said) if as_json else facts("written", said)
