"""Look for texts, one a line in FILE, in every file of the project: packed, Parquet, SQLite's free pages too.

Exit codes: 0 none is left; 1x configuration; 22 no text is long enough to be looked for; 46 something is left, or could
not be looked into, and where.

Example: `homeostat erase check words.txt`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.erasing import done_with, lines, told_of_check
from homeostat.config.load import load
from homeostat.errors import EmptyStream
from homeostat.loop.undoing.erase import look
from homeostat.loop.workshop import Workshop
from homeostat.store.needles import LEAST


def command(
    file: Annotated[Path, typer.Argument(exists=True, help="Texts, one a line.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Look for texts, one a line in FILE, in every file of the project: packed, Parquet, SQLite's free pages too."""
    texts = lines(file)
    if not any(len(text.encode()) >= LEAST for text in texts):
        what = f"it holds no text of {LEAST} letters or more, and shorter ones stand anywhere by chance"
        raise EmptyStream(what, where=str(file), fix="write whole requests or replies, one a line")
    with closing(Workshop.open(load(config))) as shop:
        told = told_of_check(look(shop, texts))
    done_with("looked through", told, as_json=as_json)
