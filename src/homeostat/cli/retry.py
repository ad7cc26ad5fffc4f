"""Try a delivery again that was given up; the running worker sends it.

It is tried as often as the first time, with the same key. `homeostat alerts` lists what was given up.

Exit codes: 0 it will be tried, or was sent, or waits already; 1x configuration; 41 there is no such delivery.

Example: `homeostat alerts retry dlv_5k8m2n4p6q9r1t3v7w0x`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.types.delivery import Post

SAID = {
    Post.WAITING: "will be tried by the worker",
    Post.SENT: "was sent already, and is not sent again",
    Post.DEAD: "was given up",
}


def command(
    id: Annotated[str, typer.Argument(help="Id of the delivery.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Try a delivery again that was given up; the running worker sends it."""
    with project(config) as opened:
        found = opened.store.deliveries.retry(id)
    if as_json:
        document(found)
    else:
        print(f"{found.id} through {found.channel}: {SAID[found.state]}")
