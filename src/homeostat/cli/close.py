"""Say that an alert is over, where nothing that Homeostat can see would.

Whoever was told of it is told so. Most alerts end by themselves: when another version answers everybody, a later turn
ends well, the score is reached, there is room again. If its cause comes back, it is a new alert.

Exit codes: 0 it is over, or was already; 1x configuration; 41 there is no such alert.

Example: `homeostat alerts close alr_01jd8m3k7q9x5v2w0ab3 --because "the old version is what we want"`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.alert.record import resolve
from homeostat.cli.project import project
from homeostat.cli.table import document


def command(
    id: Annotated[str, typer.Argument(help="Id of the alert.")],
    because: Annotated[str, typer.Option(help="The reason, which is told too.")] = "closed by hand",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say that an alert is over, where nothing that Homeostat can see would."""
    with project(config) as opened:
        found = resolve(opened.store, opened.config, id, because, time.time())
    if as_json:
        document(found)
    else:
        print(f"{found.id} is over: {found.because}")
