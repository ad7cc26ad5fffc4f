"""Decide now: look at each task's triggers, weigh gain against cost, and start a turn where that says so.

`--dry-run` writes nothing and starts nothing: it shows where every trigger stands beside its line, what retraining
would gain and cost, what is left of the budget, what would happen, and when the next look is due. Without it, a
decision to wait is written down with its reason, and one to retrain opens a turn for the worker, as `homeostat turn`
does; that one asks no triggers. Tasks under one budget come in the order of what they would win per cost.

Exit codes: 0 decided, or shown; 1x configuration; 63 it would retrain, and no worker runs.

Example: `homeostat decide --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.asking import ask, require_worker
from homeostat.cli.plan import show
from homeostat.cli.project import Project, chosen
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.loop.acting import note_down
from homeostat.loop.weighing import Plan, plans, without_id
from homeostat.loop.workshop import Workshop
from homeostat.web.plain import plain


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; all tasks if left out.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Decide now: look at each task's triggers, weigh gain against cost, and start a turn where that says so."""
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
