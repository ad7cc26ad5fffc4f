"""List the feedback that is held back from training because it is doubted, or release it.

Held back is what a single source, about a single label, or altogether contradicts what is known more often than can be
explained, and (group `alone`) what contradicts and nobody else says, until somebody does. It stays in the log and
teaches nothing. What is released counts as said now and is not doubted again; who should never be doubted belongs into
`curate.trusted`.

Exit codes: 0 listed, or released; 1x configuration; 41 nothing that is held back is called so.

Example: `homeostat held routing --release "label=refund→invoice"`
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.listening.held import lines, release
from homeostat.web import words

SHOWN = 40
"""Characters of a request that fit into the table."""


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    let: Annotated[str, typer.Option("--release", help="A group, the id of a feedback, or `all`.")] = "",
    most: Annotated[int, typer.Option("--last", min=1, help="Statements of each group that are shown.")] = 5,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the feedback that is held back from training because it is doubted, or release it."""
    with project(config) as opened:
        name = opened.task(task)
        if let:
            released = release(opened.store, name, let, clock(opened.config, opened.store, name))
            document({"released": released}) if as_json else typer.echo(f"{len(released)} released")
            return
        found = lines(opened.store, name)
    if as_json:
        document({"task": name, "held": found})
        return
    for group, n in Counter(line.group for line in found).items():
        rows = [line for line in found if line.group == group][-most:]
        cells = [(r.feedback, words.when(r.time), r.source or "–", r.text[:SHOWN], r.reply, r.said) for r in rows]
        table(f"{group}: {n} held back", ("feedback", "said (UTC)", "source", "request", "reply", "said"), cells)
    if not found:
        table("held back", (), ())
