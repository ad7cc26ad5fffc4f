"""Look for better values of a recipe: many trainings, of which the poor ones are given up early.

SOURCE is the id of a dataset or a labeled stream, as for `homeostat train`. Every trial trains as `train` would and is
judged by the held-out loss at its looks: at a ninth, a third and the end of its run the best third goes on. The recipe
as it stands is the first trial and is never given up. What is tried, how often and by how many processes stands in the
`sweep` block of homeostat.yaml (`--set sweep.trials=32`). A sweep that was killed goes on where it stood, and asking
for more trials adds them. Needs `pip install 'homeostat[sweep]'`.

The best values are printed as lines for `train.recipes`. They are a candidate's and no more: a turn's gate decides.
`--dry-run` says what would be tried and what it would take, and writes nothing.

Exit codes: 0 done; 1x configuration, of them 14 optuna is not installed; 2x nothing to train on; 3x model; 41 there is
no such dataset.

Example: `homeostat sweep labels.jsonl --task routing --recipe careful --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.interrupt import leaving_in_order
from homeostat.cli.material import Material, wanted
from homeostat.cli.swept import Found, show, show_price
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.loop.backtests.searching import like, pasted, speed, sweep_of
from homeostat.loop.deciding.foresight import order_of
from homeostat.loop.story.scene import Bar, Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.sweep.price import price
from homeostat.train.sweep.study import Tried
from homeostat.train.sweep.trials import search
from homeostat.types import ids


def command(
    source: Annotated[str, typer.Argument(help="Id of a dataset, or a labeled stream.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    recipe: Annotated[str, typer.Option(help="Name of the recipe to begin with.")] = "careful",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a knob: `--set sweep.jobs=4`.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would try and take; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Look for better values of a recipe: many trainings, of which the poor ones are given up early."""
    with closing(Workshop.open(load(config, tuple(set_ or ())))) as shop, leaving_in_order():
        asked = wanted(shop, task, recipe, source, where="--task")
        material, parent = asked.material, asked.parent
        order = order_of(shop, asked.task, material.examples, material.labels, asked.recipe, parent)
        sweep = sweep_of(shop, order, _name(material, keep=not dry_run))
        if dry_run:
            told = price(sweep, speed(parent) or speed(like(shop, order.start.base)))
            if as_json:
                document({"space": {name: asdict(each) for name, each in sweep.space.items()}, **asdict(told)})
            else:
                show_price(sweep.space, told)
            return
        with Scene().bar("sweep", sweep.trials, "trials are being trained") as bar:
            done = search(sweep, jobs=shop.config.sweep.jobs, watching=lambda tried: _follow(bar, tried))
        found = Found(task=asked.task.name, recipe=recipe, outcome=done, yaml=pasted(shop, recipe, dict(done.fields)))
    if as_json:
        document(found)
    else:
        show(found)


def _name(material: Material, *, keep: bool) -> str:
    """The dataset's id; a dry run stores none."""
    return material.keep().id if keep else ids.derived("dst", len(material.examples))


def _follow(bar: Bar, tried: list[Tried]) -> None:
    """How many trials have ended, the best loss so far, and where the newest one stands."""
    ended = [trial for trial in tried if trial.state != "running"]
    losses = [trial.held_out for trial in ended if trial.held_out is not None]
    best = f"best {min(losses):.3f}  " if losses else ""
    newest = tried[-1] if tried else None
    bar.to(len(ended), note=best + (f"trial {newest.number} at {newest.share:.0%}" if newest else ""))
