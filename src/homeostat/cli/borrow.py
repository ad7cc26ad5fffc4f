"""Train a candidate that begins at the layers of another domain's adapter, and register it. Releases nothing.

For a task with few labels. `--from nearest` looks at the champions of the project's other tasks: of the five whose
training rows are most like these requests the one by whose states the rows at hand are told best, where it is surely
ahead of the bare base; else training begins there. It says which and why. `--from` takes a version, or a folder that
`homeostat beginning` has left, too. Layers are borrowed, not rows of labels, whose codes mean something else in another
task. ROWS is a labeled stream, of which every row is learned that is not marked `split: test`, or the id of a dataset;
what the log has been told where it is left out. `--dry-run` writes nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such recipe; 2x nothing to train on; 3x model, of them 35
the recipe trains no adapter, or what is named is none; 41 there is no such version, folder or dataset.

Example: `homeostat borrow returns few.jsonl --from nearest`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.material import of_source, wanted
from homeostat.cli.outlook import as_table, foretold
from homeostat.cli.table import document, facts
from homeostat.cli.train import trained
from homeostat.collect.stream import all_history
from homeostat.config.load import load
from homeostat.errors import UnsuitedModel
from homeostat.loop.deciding.borrowing import NEAREST, borrowed
from homeostat.loop.workshop import Workshop
from homeostat.train.sound import require_rated, require_sound


def command(
    task: Annotated[str, typer.Argument(help="Name of the task.")] = "",
    rows: Annotated[str, typer.Argument(help="A labeled stream, or the id of a dataset.")] = "",
    source: Annotated[str, typer.Option("--from", help="nearest, a version, or a folder.")] = NEAREST,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "first",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say where it would begin, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train a candidate that begins at the layers of another domain's adapter"""
    with closing(Workshop.open(load(config))) as shop:
        asked = wanted(shop, task, recipe, rows, unnamed=all_history)
        known, material = asked.task, asked.material
        require_sound(known, material.examples, material.labels)
        require_rated(known, material.examples, asked.recipe.objective)
        if asked.recipe.head or asked.recipe.adapt.kind != "lora":
            raise UnsuitedModel(f"recipe '{recipe}' trains no adapter", where="--recipe", fix="use another recipe")
        begins = borrowed(shop, known, material.examples, material.labels, source)
        how = replace(asked.recipe, warm_start=bool(begins.name))
        if asked.recipe.warm_start and not begins.name:  # from the bare base after all, which remembers nothing
            material = of_source(shop, known, rows, how, asked.parent, all_history)
        asked = replace(asked, recipe=how, material=material)
        done = foretold(shop, asked) if dry_run else trained(shop, asked, begins)
    done |= {"from": begins.name or "the bare base", "why": begins.why}
    if as_json:
        document(done)
    else:
        facts("would take at most" if dry_run else "trained", as_table(done) if dry_run else done)
