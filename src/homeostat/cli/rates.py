"""Find a learning rate in one short run: it rises at every step until the loss runs away.

SOURCE is the id of a dataset or a labeled stream, as for `homeostat train`. The run takes a copy of the model in
memory, and nothing of it is kept. The rate that is suggested is where the held-out loss falls fastest, and at least
four times below the one at which it runs away. Beside it stands the rate that suits the width of the base. `homeostat
sweep` looks more closely and takes longer.

Exit codes: 0 done; 1x configuration; 2x nothing to train on; 3x model; 41 there is no such dataset.

Example: `homeostat rates labels.jsonl --task routing --recipe joint`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.material import wanted
from homeostat.cli.swept import show_rising
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.llm.load import width_of
from homeostat.loop.deciding.foresight import order_of
from homeostat.loop.workshop import Workshop
from homeostat.train.rates import suited
from homeostat.train.sweep.rising import STEPS, rise


def command(
    source: Annotated[str, typer.Argument(help="Id of a dataset, or a labeled stream.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "careful",
    steps: Annotated[int, typer.Option(min=10, help="Steps in which the rate rises.")] = STEPS,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find a learning rate in one short run: it rises at every step until the loss runs away."""
    with closing(Workshop.open(load(config))) as shop:
        asked = wanted(shop, task, recipe, source, where="--task")
        rows, labels = asked.material.examples, asked.material.labels
        order = order_of(shop, asked.task, rows, labels, asked.recipe, asked.parent)
        found = rise(order, steps=steps)
        width = suited(width_of(order.start.base), asked.recipe.adapt.kind)
    rates = {
        "suggested": found.suggested,
        "steepest": found.steepest,
        "lowest_loss": found.lowest,
        "ran_away": found.broke or 0.0,
        "the_recipe_has": asked.recipe.lr,
        "suits_the_width": width,
    }
    if as_json:
        document({"task": asked.task.name, "recipe": recipe, "rates": rates, **asdict(found)})
    else:
        show_rising(found, rates)
