"""Approve a turn that waits for it, or reject it with `--reject`; without a turn, list those that wait.

A policy with `action: propose` decides and then waits for a person. Who said what, and why, stands in the turn's diary
and among its events. What is approved goes on in the worker; what is rejected has ended, and its budget is free again.

Exit codes: 0 answered, or listed; 1x configuration; 41 there is no such turn; 65 it waits for nobody.

Example: `homeostat approve trn_01jd8m3k7q9x5v2w0ab3 --who ana --why "the new catalog is out"`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.loop.approval import answer, awaiting
from homeostat.web import words
from homeostat.web.plain import plain


def command(
    turn: Annotated[str, typer.Argument(help="Id of the turn; left out, all that wait are listed.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    who: Annotated[str, typer.Option(help="Who says so. Empty: the user of this machine.")] = "",
    why: Annotated[str, typer.Option(help="The reason; wanted with --reject.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Approve a turn that waits for it, or reject it."""
    if reject and not (turn and why.strip()):
        raise typer.BadParameter("say which turn and why, in a few words", param_hint="--reject")
    with project(config) as opened:
        if not turn:
            waiting = awaiting(opened.store)
        else:
            name = who.strip() or opened.store.signs
            opened.store.sign_as(name)
            waiting = [answer(opened.config, opened.store, turn, yes=not reject, who=name, why=why.strip())]
    if as_json:
        document(plain(waiting[0] if turn else waiting))
    elif turn:
        typer.echo(f"{turn} is {waiting[0].diary[waiting[0].wanted]}")
    else:
        rows = [(one.id, one.task, words.when(one.time), one.because) for one in waiting]
        table("turns that wait for approval", ("turn", "task", "looks until (UTC)", "because"), rows)
