"""Print the rows that a version was trained on, to ask another one of them once they are erased (`leaks --of`).

Requests with their right replies as JSON lines, those of versions before it among them; of one user's alone with
`--user`. They are what is to be erased: `--out` writes them to a file that nobody but its owner may read, and when they
were asked of, remove it.

Exit codes: 0 printed or written; 1x configuration; 23 the file cannot be written; 26 there are no such rows; 41 there
is no such version.

Example: `homeostat leaks rows ver_1v9x3k --user ann --out rows.jsonl`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import hold_writable
from homeostat.cli.recited import lines_of, write_told
from homeostat.config.load import load
from homeostat.errors import NothingToTrainOn
from homeostat.loop.asking.leaks import learned
from homeostat.loop.workshop import Workshop


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    user: Annotated[str, typer.Option(help="Rows of this user alone, written exactly so.")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write. None: standard output.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
) -> None:
    """Print the rows that a version was trained on, to ask another one of them once they are erased."""
    hold_writable(out)
    with closing(Workshop.open(load(config))) as shop:
        rows = learned(shop, shop.store.versions.get(version), user)
    if not rows:
        whose = f" of user '{user}'" if user else ""
        raise NothingToTrainOn(f"{version} was trained on no rows{whose}", where=version)
    if out is None:
        typer.echo(lines_of(rows), nl=False)
    else:
        write_told(out, rows)
