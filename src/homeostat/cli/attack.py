"""Attack a version on its test rows: look for small changes to requests that keep their meaning and change the reply.

At most a fifth of the words of a request are replaced (`--words`): by slips of the keyboard (`--by letters`), by
synonyms and short forms (`--by words`), or by themselves in capital letters (`--by capitals`). `--how greedy` asks the
version and looks at nothing else; `guided` also reads the gradients of a model that lies here, and needs fewer
requests; `blind` draws, and is what the others are to be better than. The champion is attacked beside it in the same
way. `--suite FILE` writes what broke as a suite for `homeostat suites add`, to what the file has already: fenced from
training, and not to be lost again once a version gets it right.

Exit codes: 0 printed, whatever broke; 1x configuration; 22 there are no test rows; 35 replies are no labels, or have
no gradient; 41 there is no such version.

Example: `homeostat attack ver_1v9x3k --how guided --suite suites/broken.yaml`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.attacked import show
from homeostat.cli.evaluate import moment
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.errors import NotReleasable
from homeostat.evaluate.attack.attack import Limits
from homeostat.evaluate.attack.edits import USUAL
from homeostat.loop.attack import chosen, tried, write_suite
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop

_Share = Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of a request's words that may be replaced.")]


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    against: Annotated[str, typer.Option(help="Id of another one. Empty: the champion.")] = "",
    how: Annotated[str, typer.Option(help="`greedy`, `guided` or `blind`.")] = "greedy",
    by: Annotated[list[str] | None, typer.Option(help="Kind of change: letters, words, capitals; may repeat.")] = None,
    words: _Share = 0.2,
    queries: Annotated[int, typer.Option(min=2, help="Requests that may be asked for each row.")] = 100,
    rows: Annotated[int, typer.Option(min=1, help="Test rows to attack, at most; the same ones each time.")] = 200,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    suite: Annotated[Path | None, typer.Option(help="File to write what broke to, as a suite.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Attack a version on its test rows: look for small changes to requests that keep their meaning and change the
    reply.
    """
    limits = Limits(how=how, by=tuple(by or USUAL), words=words, queries=queries, seed=seed)
    with closing(Workshop.open(load(config))) as shop:
        mine = shop.store.versions.get(version)
        other = against or shop.store.aliases.get(mine.task, "champion") or version
        versions = [mine, *([shop.store.versions.get(other)] if other != version else [])]
        if versions[-1].task != mine.task:
            raise NotReleasable(f"{other} is a version of task '{versions[-1].task}', not of '{mine.task}'")
        exams = chosen(shop.suite_at(mine.task, moment(shop, mine).until), rows)
        with Scene().bar("attack", len(versions) * len(exams), f"{len(exams)} rows are attacked, {how}") as bar:
            found = tried(shop, versions, exams, limits, bar.to)
        kept = write_suite(suite, shop.config.task(mine.task), found[version].attempts) if suite else 0
    if as_json:
        document({"version": version, "limits": limits, "found": found, "suite": str(suite or ""), "cases": kept})
        return
    show(found)
    if suite:
        typer.echo(f"\n{suite}: {kept} cases; `homeostat suites add {suite}` fences them from training")
