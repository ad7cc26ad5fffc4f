"""Train a candidate by hand, outside a turn, and register it. Releases nothing.

It learns from a dataset, from a labeled stream, or from what the log has been told where neither is given. It goes on
from the task's champion if the recipe says so (`careful`, `frugal`, `thorough`, `naive`, `corrections`) or starts from
the bare base and learns everything that is known (`joint`, `first`, `reweighed`, `swapped`, `thresholds`, `disturbed`).
With `--recipe head` the candidate is an exact head: a classifier on the base's states and on words, solved in seconds,
by the rows that differ where the champion is one; `classifier`, `estimator` and `tagger` train one by steps. Of a
stream the rows for testing are left out, and nothing like the task's test suite is learned. Asking for the same again
gives the same version, and one that was killed goes on where it stood. `--dry-run` says where it would begin, from
which rows and at which rate, what it would take at most, and about what time and money, and writes nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such recipe; 2x nothing to train on; 3x model, or the loss
is not a number; 41 there is no such dataset.

Example: `homeostat train routing --stream labels.jsonl --recipe careful --dry-run`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.material import Wanted, wanted
from homeostat.cli.outcome import going_on, outcome
from homeostat.cli.outlook import as_table, foretold
from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.loop.deciding.borrowing import Borrowed
from homeostat.loop.making.learn import Lesson, learn, version_id
from homeostat.loop.making.learned import made_at
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import plain
from homeostat.train.sound import require_rated, require_sound


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    dataset: Annotated[str, typer.Option(help="Id of a dataset.")] = "",
    stream: Annotated[Path | None, typer.Option(help="A labeled stream, JSON lines, plain or gzipped.")] = None,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "careful",
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
        require_rated(asked.task, asked.material.examples, asked.recipe.objective)
        done = foretold(shop, asked) if dry_run else trained(shop, asked)
    if as_json:
        document(done)
    else:
        facts("would take at most" if dry_run else "trained", as_table(done) if dry_run else done)


def trained(shop: Workshop, asked: Wanted, begins: Borrowed | None = None) -> dict[str, Any]:
    """Train what was asked for, from what is borrowed if anything is, with a bar, and say what came of it."""
    kept, recipe, parent = asked.material.keep(), asked.recipe, asked.parent
    parts = ["by hand", kept.id, parent.id if parent else "", sorted(plain(recipe).items())]
    lender = begins.name if begins else ""
    lesson = Lesson(
        task=asked.task.name,
        dataset=kept.id,
        recipe=recipe,
        version=version_id(*parts, *([lender] if lender else [])),
        parent=parent,
        borrows=begins.folder if begins else None,
        lender=lender,
        time=made_at(shop, kept, parent),
    )
    with Scene().bar("train", 1, "a candidate is being trained" + going_on(shop, lesson.version)) as bar:
        version = learn(shop, lesson, bar.training)
    about = {"version": version.id, "dataset": kept.id, "labels": len(version.labels), "recipe": recipe.name}
    return {**about, **version.cost, **outcome(shop, version)}
