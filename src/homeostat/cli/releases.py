"""Tell who answered a task since when, why, and on what evidence: the change log of a deployment, as markdown.

One entry for each change of who answers, oldest first: what was changed and why, who wrote it, in which turn; where a
version comes in first, why it was made, what the gate said of it with the gain on the test rows, and who approved. It
says what rows say and nothing else; each entry names its row (`homeostat why` goes on from there).

Exit codes: 0 printed; 1x configuration; 23 the file cannot be written.

Example: `homeostat releases routing --out CHANGES.md`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.release.changes import changes, told
from homeostat.web import words


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    last: Annotated[int, typer.Option(min=0, help="Newest changes that are told; 0 for all.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Tell who answered a task since when, why, and on what evidence."""
    hold_writable(out)
    with project(config) as opened:
        name = opened.task(task)
        found = changes(opened.store, name)[-last:]
    text = "\n".join(told(name, found, {one.release: f"{words.when(one.time)} UTC" for one in found})) + "\n"
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if as_json:
        document({"task": name, "changes": found})
    elif out is None:
        typer.echo(text, nl=False)
