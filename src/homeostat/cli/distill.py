"""Make a smaller version of a larger one: a teacher answers the requests of the log, and a student learns the answers.

The teacher is the champion, another version, or several, which answer as an ensemble (`--teacher`, again for each); a
model in a folder; or one behind an OpenAI-compatible API, as `https://HOST/v1#MODEL`, with the key in OPENAI_API_KEY.
Requests that nobody has labeled count too. Every answer is kept: asking again asks only what is new, and what was
killed goes on. The student stands on `--base` (`homeostat smaller` makes one) and is registered as a candidate that
names its teacher. Releases nothing. `--dry-run` says what would be asked and writes nothing.

Exit codes: 0 done; 1x configuration; 2x nothing to learn; 3x model, of them 37 the teacher does not answer; 41 there is
no such version; 53 no version answers the task yet; 61 versions of several tasks.

Example: `homeostat distill routing --base small --teacher ver_1v9x3k --teacher ver_0c2m8p`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import chosen
from homeostat.cli.table import document, facts
from homeostat.cli.teaching import Given, done, prepared, teaching
from homeostat.config.load import load
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named


def command(
    base: Annotated[str, typer.Option(help="What the student stands on: a folder or a hub name.")],
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    teacher: Annotated[
        list[str] | None, typer.Option(help="A version, a folder, or URL#MODEL; again for more.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="Name of the recipe.")] = "student",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a smaller version of a larger one."""
    with closing(Workshop.open(load(config))) as shop:
        known = shop.config.task(chosen(shop.config, task))
        given = Given(
            task=known,
            teachers=tuple(teacher or ()),
            base=str(Path(base).resolve()) if Path(base).is_dir() else base,
            recipe=named(recipe, shop.config.train, where="--recipe"),
        )
        with teaching(shop, given) as (asked, names):
            found = prepared(shop, given, asked) if dry_run else done(shop, given, asked, names)
    document(found) if as_json else facts("would ask" if dry_run else "distilled", found)
