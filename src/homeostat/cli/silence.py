"""Keep alerts quiet for a while: those of a task, of a kind, of a slice, or all of them.

They are written down all the same, and `homeostat alerts` shows them. The silence ends by itself; `homeostat alerts
silences` lists what is in force, and ends one earlier.

Exit codes: 0 silenced; 1x configuration; 2 it was called wrongly.

Example: `homeostat alerts silence --task routing --kind mix --for 2h --why "the spring catalog is out"`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.alert.span import seconds
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.errors import did_you_mean
from homeostat.types import ids
from homeostat.types.alert import KINDS
from homeostat.types.silence import Silence
from homeostat.web import words


def command(
    for_: Annotated[str, typer.Option("--for", help="How long: `30min`, `2h`, `1d12h`.")],
    why: Annotated[str, typer.Option(help="The reason, for whoever wonders about it.")],
    task: Annotated[str, typer.Option(help="Alerts of this task. Empty: of all.")] = "",
    kind: Annotated[str, typer.Option(help="Alerts of this kind. Empty: of all.")] = "",
    slice_: Annotated[str, typer.Option("--slice", help="Alerts of this slice. Empty: of all.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Keep alerts quiet for a while: those of a task, of a kind, of a slice, or all of them."""
    if kind and kind not in KINDS:
        raise typer.BadParameter(f"no alerts of kind '{kind}'; {did_you_mean(kind, KINDS)}", param_hint="--kind")
    if not why.strip():
        raise typer.BadParameter("say why, in a few words", param_hint="--why")
    try:
        lasts = seconds(for_)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--for") from None
    with project(config) as opened:
        name = opened.config.task(task, where="--task").name if task else ""
        now = time.time()
        made = Silence(id=ids.new("sil"), time=now, until=now + lasts, why=why, task=name, kind=kind, slice=slice_)
        opened.store.silences.put(made)
    if as_json:
        document(made)
    else:
        what = " ".join(filter(None, (name, kind, slice_))) or "everything"
        print(f"{made.id}: {what} is quiet until {words.when(made.until)} UTC")
