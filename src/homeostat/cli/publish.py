"""Lay a version out as a folder that model hubs and other programs read: weights, card, record, signature.

Adapters are in the format of PEFT, whole models in that of transformers; `README.md` is the card, with the YAML that
hubs read. No request and no example is in it. The folder must not be there yet, or be empty. To carry a version to
another project of Homeostat, `homeostat export` writes one signed file.

Exit codes: 0 written; 1x configuration; 41 there is no such version; 44 a file of it has changed since it was stored;
61 the folder is there already, or the version has no weights of its own.

Example: `homeostat publish ver_1v9x3k out/routing`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.release.publish import publish


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Lay a version out as a folder that model hubs and other programs read."""
    with project(config) as opened:
        files = publish(opened.store, opened.store.versions.get(version), folder)
    said = {"version": version, "folder": str(folder), "files": files}
    document(said) if as_json else facts("published", said)
