"""Train a candidate by hand, outside a turn, from a dataset or a labeled stream, and register it. Releases nothing.

It goes on from the task's champion if the recipe says so (`careful`, `thorough`, `naive`) or starts from the bare base
(`joint`, `first`). Of a stream the rows for testing are left out, and nothing like the task's test suite is learned.
Asking for the same again gives the same version, and one that was killed goes on where it stood. `--dry-run` says what
it would take and writes nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such recipe; 2x nothing to train on; 3x model, or the loss
is not a number; 41 there is no such dataset.

Example: `homeostat train routing --stream labels.jsonl --recipe careful --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.material import Material, of_dataset, of_stream, require_known_labels
from homeostat.cli.project import chosen
from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.loop.foresight import foretell
from homeostat.loop.learn import Lesson, learn, version_id
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.recipe import Recipe, plain
from homeostat.train.sound import require_sound
from homeostat.types.version import Version


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    dataset: Annotated[str, typer.Option(help="Id of a dataset.")] = "",
    stream: Annotated[Path | None, typer.Option(help="A labeled stream, JSON lines, plain or gzipped.")] = None,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "careful",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Train a candidate by hand, outside a turn, from a dataset or a labeled stream, and register it."""
    if bool(dataset) == (stream is not None):
        raise typer.BadParameter("give one of --dataset and --stream")
    with closing(Workshop.open(load(config))) as shop:
        known = shop.config.task(chosen(shop.config, task))
        wanted = named(recipe, shop.config.train, replay=shop.config.curate.replay, where="--recipe")
        champion = shop.store.aliases.get(known.name, "champion")
        parent = shop.store.versions.get(champion) if champion else None
        material = of_stream(shop, known, stream, wanted, parent) if stream else of_dataset(shop, known, dataset)
        require_known_labels(material, wanted, parent)
        require_sound(known, material.examples, material.labels)
        work = _foretell if dry_run else _train
        done = work(shop, known.name, material, wanted, parent)
    if as_json:
        document(done)
    else:
        facts("would take at most" if dry_run else "trained", done)


def _foretell(shop: Workshop, task: str, material: Material, recipe: Recipe, parent: Version | None) -> dict[str, Any]:
    known = shop.config.task(task)
    needed = foretell(shop, known, material.examples, material.labels, recipe, parent)
    return asdict(needed) | {"labels": len(material.labels), "recipe": recipe.name}


def _train(shop: Workshop, task: str, material: Material, recipe: Recipe, parent: Version | None) -> dict[str, Any]:
    kept = material.keep()
    name = version_id("by hand", kept.id, parent.id if parent else "", sorted(plain(recipe).items()))
    lesson = Lesson(task=task, dataset=kept.id, recipe=recipe, version=name, parent=parent, time=kept.time)
    with Scene().bar("train", 1, "a candidate is trained") as bar:
        version = learn(shop, lesson, bar.training)
    about = {"version": version.id, "dataset": kept.id, "labels": len(version.labels), "recipe": recipe.name}
    return {**about, **version.cost}
