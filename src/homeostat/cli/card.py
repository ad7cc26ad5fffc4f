"""Write the card of a version, or the datasheet of a dataset: what is on record about it, for people and for hubs.

Markdown with YAML in front, made from rows alone: data, training, figures with intervals, changes since the parent,
approvals, limits, and what was not measured. `--out` writes a file and keeps the text under its hash, so that `--check`
can tell later whether a file is a card that was written here.

Exit codes: 0 written, or the file is such a card; 1x configuration; 23 the file cannot be read or written; 41 there is
no such version or dataset; 44 the file is none of its cards.

Example: `homeostat card ver_1v9x3k --out MODEL_CARD.md`
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import content_of, hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import Tampered
from homeostat.release.card import card, keep, written
from homeostat.release.record import datasheet, record


def command(
    id: Annotated[str, typer.Argument(help="Id of a version or a dataset.")],
    out: Annotated[Path | None, typer.Option(help="Write it to this file, and keep it.")] = None,
    check: Annotated[Path | None, typer.Option(exists=True, help="Say whether this file is one of its cards.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="What it is made of, as one JSON document.")] = False,
) -> None:
    """Write the card of a version, or the datasheet of a dataset."""
    hold_writable(out)
    with project(config) as opened:
        store = opened.store
        if check is not None:
            _hold(check, written(store, id))
            said = {"id": id, "file": str(check), "written_here": True}
            document(said) if as_json else typer.echo(f"{check} is a card of {id} that was written here")
            return
        if out is not None:
            out.write_text(keep(store, id)[0], encoding="utf-8")
        if as_json:
            document(datasheet(store, id) if id.startswith("dst_") else record(store, store.versions.get(id)))
        elif out is None:
            typer.echo(card(store, id), nl=False)


def _hold(file: Path, known: list[str]) -> None:
    if hashlib.sha256(content_of(file)).hexdigest() not in known:
        fix = f"{len(known)} were written; `homeostat card` writes another"
        raise Tampered("it is none of the cards that were written here", where=str(file), fix=fix)
