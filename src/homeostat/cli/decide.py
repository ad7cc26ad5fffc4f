"""Decide now: look at each task's triggers, weigh gain against cost, and start a turn where that says so.

`--dry-run` writes nothing and starts nothing: it shows where every trigger stands beside its line, what retraining
would gain and cost, what is left of the budget, what would happen, and when the next look is due. Without it, a
decision to wait is written down with its reason, and one to retrain opens a turn for the worker, as `homeostat turn`
does; that one asks no triggers. Tasks under one budget come in the order of what they would win per cost.

`--again ID` makes a decision that was written down again from what it was made from, kept beside it, and says whether
the same comes out, bit for bit; with a later version of Homeostat another may, and then both are shown.

Exit codes: 0 decided, or shown, or the same again; 1x configuration; 41 there is no such decision, or what it was made
from was not kept; 44 another comes out; 63 it would retrain, and no worker runs.

Example: `homeostat decide --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.asking import ask, require_worker
from homeostat.cli.plan import show
from homeostat.cli.project import Project, chosen, project
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.decide.record import replayed
from homeostat.errors import Tampered
from homeostat.loop.deciding.acting import note_down
from homeostat.loop.deciding.weighing import Plan, plans, without_id
from homeostat.loop.workshop import Workshop
from homeostat.web.plain import plain


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; all tasks if left out.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and change nothing.")] = False,
    again: Annotated[str, typer.Option(help="Id of a decision to make again; nothing is written.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Decide now: look at each task's triggers, weigh gain against cost, and start a turn where that says so."""
    if again:
        raise typer.Exit(0 if _again(config, again, as_json=as_json) else Tampered.exit)
    settings = load(config)
    tasks = [chosen(settings, task)] if task else list(settings.tasks)
    with closing(Workshop.open(settings)) as shop:
        found = plans(shop, tasks)
        done = [{} if dry_run else _act(shop, plan) for plan in found]
    if as_json:
        document([plain(without_id(plan)) | more for plan, more in zip(found, done, strict=True)])
        return
    for plan, more in zip(found, done, strict=True):
        show(plan, more)


def _again(config: Path, id: str, *, as_json: bool) -> bool:
    """Make a decision again and show both; whether they are the same."""
    with project(config) as opened:
        stored, made = opened.store.decisions.get(id), replayed(opened.store, id)
    if as_json:
        document({"same": stored == made, "stored": plain(stored), "again": plain(made)})
    else:
        typer.echo(f"{id}: {stored.because}")
        typer.echo("the same again, bit for bit" if stored == made else f"another comes out: {made.because}")
    return stored == made


def _act(shop: Workshop, plan: Plan) -> dict[str, Any]:
    """Do what the plan says: ids of what was written."""
    if plan.decision is None:
        return {}
    if not plan.decision.action.makes:
        return {"recorded": note_down(shop, plan).id}
    opened = Project(shop.config, shop.store)
    require_worker(opened)
    turn, new = ask(opened, plan.task, plan.until)
    return {"turn": turn.id, "opened": new}
