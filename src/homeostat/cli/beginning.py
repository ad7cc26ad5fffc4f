"""Learn where trainings on few examples begin, from what a project's tasks were told before.

It learns from the labels that the champions of all tasks know, and from labeled streams (`--stream`, again for each):
tasks of up to ten of the labels are drawn again and again, with one to five examples of each. `joint`, what is best for
their mean, is the better beginning where one model can tell all labels apart, as with intents; `reptile` and `maml`
where past tasks contradict each other. FOLDER can be named to `homeostat borrow --from FOLDER` afterwards. Nothing like
a test row is learned. `--dry-run` says from what, and writes nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such way; 2x a stream cannot be read, or fewer than two
labels have two texts; 3x model.

Example: `homeostat beginning begins --how reptile --stream last-year.jsonl`
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.table import document, facts
from homeostat.collect.stream import read_stream
from homeostat.config.load import load
from homeostat.loop.making.beginning import PLAN, ROUNDS, learn, past_of
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Example


def command(
    folder: Annotated[Path, typer.Argument(help="Where it is left; must not be there yet.")],
    how: Annotated[str, typer.Option(help="joint, reptile or maml.")] = "joint",
    stream: Annotated[list[Path] | None, typer.Option(help="A labeled stream of the past; again for more.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that tasks are drawn and learned.")] = ROUNDS,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say from what, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Learn where trainings on few examples begin."""
    if folder.exists():
        raise typer.BadParameter(f"{folder} is there already; name another folder")
    with closing(Workshop.open(load(config))) as shop:
        more = [row for file in stream or () for row in read_stream(file, needed=())[0]]
        past = past_of(shop, [Example(text=row.text, target=row.label, time=row.time) for row in more if row.label])
        texts = sum(len(own) for own in past.values())
        told: dict[str, Any] = {"labels": len(past), "texts": texts, "how": how, "rounds": rounds}
        if not dry_run:
            began = time.perf_counter()
            made = learn(shop, past, folder, how, replace(PLAN, rounds=rounds))
            told = {"folder": str(made), **told, "wall_seconds": time.perf_counter() - began}
    document(told) if as_json else facts("would learn from" if dry_run else "learned", told)
