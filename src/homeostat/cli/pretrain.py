"""Make a domain's own version of the project's base: it goes on reading, on texts that nobody has labeled.

SOURCE, again for each, is a file (one document; of `.jsonl` one a line under `text`; plain, .gz or .xz), `lines:FILE`
(every line is a document), `log:TASK` (the requests of a task's log), or `general:` before any of these for texts that
are read again beside the others, so that what the base knew is kept. Every twentieth text is held out and looked at.
FOLDER can be named as `model.base` afterwards. Interrupted, the same call goes on. `--dry-run` trains nothing.

Exit codes: 0 done; 1x configuration, of them 13 there is no such recipe; 2x a file cannot be read, or there is too
little text; 3x model, of them 35 the base is no decoder.

Example: `homeostat pretrain base-legal contracts/*.txt log:routing general:books.txt.xz --words 500`
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.shelf import read_sources
from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.domain.card import told, write_card
from homeostat.train.domain.pretrain import Reading, foresee, pretrain
from homeostat.train.named import named
from homeostat.train.recipe import plain
from homeostat.types import ids


def command(
    folder: Annotated[Path, typer.Argument(help="Where the base is left; must not be there yet.")],
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="What it reads.")],
    words: Annotated[int, typer.Option(help="The most words of the domain that become tokens of their own.")] = 0,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "domain",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a domain's own version of the project's base."""
    if folder.exists():
        raise typer.BadParameter(f"{folder} is there already; name another folder")
    with closing(Workshop.open(load(config))) as shop:
        wanted = named(recipe, shop.config.train, where="--recipe")
        domain, general = read_sources(shop, sources)
        name = ids.derived("pre", shop.config.model.weights, domain, general, words, plain(wanted))
        workspace = Path(shop.config.folder) / "runs" / name
        reading = Reading(
            base=shop.config.model.weights,
            domain=domain,
            general=general,
            words=words,
            recipe=wanted,
            workspace=workspace,
        )
        found = asdict(foresee(reading)) if dry_run else _done(reading, folder, sources)
    document(found) if as_json else facts("would read" if dry_run else "read", found)


def _done(reading: Reading, folder: Path, sources: list[str]) -> dict[str, object]:
    """Read, and leave the base in its folder, whole or not at all."""
    made = reading.workspace / "made" / folder.name
    with Scene().bar("read", 1, "the base reads") as bar:
        read = pretrain(replace(reading, report=bar.training), made)
    figures = told(reading, read)
    write_card(made, reading, [Path(source).name for source in sources], figures)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, folder)
    shutil.rmtree(reading.workspace)
    return {"folder": str(folder), **figures}
