"""Train the versions that backtests of a task are then judged by, in place of cheap heads.

RECIPE is trained at a few moments of the log, as turns would: each version goes on from the one before, with the labels
that had come by then, and replies to every labeled request since. `homeostat backtest` and `homeostat backtest what-if`
over the same dates then count what these versions reply; gains are still measured by heads. `--budget` says how many
versions, and how many CPU-minutes: `4`, `30min`, or both, `6,30min`; as many as fit are trained. Versions and replies
are kept and made once; who was killed goes on. `none` in place of a recipe goes back to heads. `--dry-run` says what it
would take: trainings, rows, replies, seconds and money.

Exit codes: 0 done, or told; 1x configuration, of them 13 there is no such recipe; 2x too few labeled requests, or a
budget that does not do for one version; 28 a date that is not understood; 3x a training fails.

Example: `homeostat backtest train careful --task routing --budget 4,30min --dry-run`
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.backtested import documented, heads_of, show_plan, show_versions, told_of
from homeostat.cli.interrupt import leaving_in_order
from homeostat.cli.project import project
from homeostat.cli.table import document
from homeostat.cli.windows import between
from homeostat.errors import WrongType
from homeostat.loop.backtests.backtest import recorded
from homeostat.loop.backtests.judged import Note, note
from homeostat.loop.backtests.retrained import Wish, foretell, retrained
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.web import words

NONE = "none"
VERSIONS = 4
_BUDGET = re.compile(r"(?:(?P<n>\d+)(?:,|$))?(?:(?P<minutes>\d+(?:\.\d+)?)min)?")


def command(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe; `none` to be judged by heads again.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    since: Annotated[str, typer.Option("--from", help="A date: only what was asked from then on.")] = "",
    until: Annotated[str, typer.Option("--to", help="A date: only what was asked before it.")] = "",
    budget: Annotated[str, typer.Option(help="Versions and CPU-minutes at most, `4,30min`.")] = "4",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and train nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train the versions that backtests of a task are then judged by, in place of cheap heads."""
    versions, minutes = limits(budget)
    with project(config) as opened, leaving_in_order():
        known, (first, last) = opened.task(task), between(since, until)
        if recipe == NONE:
            note(opened.config, known, None)
            document({"task": known, "recipe": ""}) if as_json else typer.echo(f"{known} is judged by heads")
            return
        shop = Workshop(opened.config, opened.store)
        how = named(recipe, shop.config.train, replay=shop.config.curate.replay, where="RECIPE")
        wish = Wish(recipe=how, moments=versions, budget_s=60.0 * minutes)
        record = recorded(opened.store, known, first, last)
        heads = heads_of(opened, known, record)
        plan = foretell(shop, shop.config.task(known), record, heads, wish)
        if dry_run:
            document(documented(plan)) if as_json else show_plan(plan)
            return
        takes = f"{plan.price.trainings} are trained, about {words.duration(plan.price.cpu_s)}"
        with Scene().bar("versions", len(plan.moments), takes) as bar:
            found = retrained(shop, record, heads, wish, plan, bar.to)
        note(
            opened.config,
            known,
            Note(recipe=recipe, moments=versions - plan.left_out, since=first, until=last),
        )
    document({"task": known, "recipe": recipe, **told_of(found)}) if as_json else show_versions(found)


def limits(budget: str) -> tuple[int, float]:
    """Versions and CPU-minutes of a budget; what it does not say is four, and without limit.

    Raises:
        WrongType: it is none.
    """
    found = _BUDGET.fullmatch(budget.replace(" ", ""))
    versions = int(found["n"] or VERSIONS) if found else 0
    if not found or not budget.strip() or not versions:
        raise WrongType(f"'{budget}' is no budget", where="--budget", fix="versions, minutes, or both: 4,30min")
    return versions, float(found["minutes"]) if found["minutes"] else math.inf
