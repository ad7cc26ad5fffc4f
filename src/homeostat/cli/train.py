"""Train a candidate by hand, outside a turn, and register it. Releases nothing.

It learns from a dataset, from a labeled stream, or from what the log has been told where neither is given. It goes on
from the task's champion if the recipe says so (`careful`, `thorough`, `naive`) or starts from the bare base (`joint`,
`first`). With `--recipe head` the candidate is an exact head: a classifier on the base's states and on words, solved in
seconds, by the rows that differ where the champion is one; `--recipe classifier` trains one by steps. Of a stream the
rows for testing are left out, and nothing like the task's test suite is learned. `--from nearest` begins at the layers
of another task's champion: of the nearest five by their requests the one on whose states the rows at hand are told
best, where it is surely ahead of the bare base, and says why; `--from` takes a version or a folder (`homeostat
beginning`) too. Asking for the same again gives the same version, and one that was killed goes on where it stood.
`--dry-run` says what it would take and writes nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such recipe; 2x nothing to train on; 3x model, or the loss
is not a number; 41 there is no such dataset.

Example: `homeostat train routing --stream labels.jsonl --recipe careful --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.material import Wanted, wanted
from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.errors import UnsuitedModel
from homeostat.loop.borrowing import Borrowed, borrowed
from homeostat.loop.foresight import foretell
from homeostat.loop.learn import Lesson, learn, version_id
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import plain
from homeostat.train.sound import require_sound


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    dataset: Annotated[str, typer.Option(help="Id of a dataset.")] = "",
    stream: Annotated[Path | None, typer.Option(help="A labeled stream, JSON lines, plain or gzipped.")] = None,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "careful",
    source: Annotated[str, typer.Option("--from", help="Where it begins: nearest, a version, or a folder.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train a candidate by hand, outside a turn, and register it. Releases nothing."""
    if dataset and stream is not None:
        raise typer.BadParameter("give one of --dataset and --stream, or neither for the log")
    with closing(Workshop.open(load(config))) as shop:
        asked = wanted(shop, task, recipe, stream or dataset)
        require_sound(asked.task, asked.material.examples, asked.material.labels)
        begins = _begins(shop, asked, source) if source else None
        done = _foretell(shop, asked) if dry_run else trained(shop, asked, begins)
        done |= {"from": begins.name or "the bare base", "why": begins.why} if begins else {}
    if as_json:
        document(done)
    else:
        facts("would take at most" if dry_run else "trained", done)


def _foretell(shop: Workshop, asked: Wanted) -> dict[str, Any]:
    rows, labels = asked.material.examples, asked.material.labels
    needed = foretell(shop, asked.task, rows, labels, asked.recipe, asked.parent)
    return asdict(needed) | {"labels": len(labels), "recipe": asked.recipe.name}


def _begins(shop: Workshop, asked: Wanted, source: str) -> Borrowed:
    """Where it begins. Raises as `borrowed`, and UnsuitedModel for a recipe that cannot go on from an adapter."""
    if asked.recipe.head or asked.recipe.adapt.kind != "lora":
        raise UnsuitedModel(f"recipe '{asked.recipe.name}' trains no adapter", where="--from", fix="use another recipe")
    return borrowed(shop, asked.task, asked.material.examples, asked.material.labels, source)


def trained(shop: Workshop, asked: Wanted, begins: Borrowed | None = None) -> dict[str, Any]:
    """Train what was asked for, with a bar, and say what came of it."""
    kept, recipe, parent = asked.material.keep(), asked.recipe, asked.parent
    lender = begins.name if begins else ""
    recipe = replace(recipe, warm_start=bool(lender)) if begins else recipe
    parts = ["by hand", kept.id, parent.id if parent else "", sorted(plain(recipe).items())]
    lesson = Lesson(
        task=asked.task.name,
        dataset=kept.id,
        recipe=recipe,
        version=version_id(*parts, *([lender] if lender else [])),
        parent=parent,
        borrows=begins.folder if begins else None,
        lender=lender,
        time=kept.time,
    )
    with Scene().bar("train", 1, "a candidate is trained") as bar:
        version = learn(shop, lesson, bar.training)
    about = {"version": version.id, "dataset": kept.id, "labels": len(version.labels), "recipe": recipe.name}
    return {**about, **version.cost}
