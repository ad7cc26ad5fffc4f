"""Attack a version: look for small changes to requests that keep their meaning and change the reply.

Test rows are attacked. At most a fifth of the words of each is replaced, by slips of the keyboard and by synonyms and
short forms; `--limit by=letters,capitals` has it done by slips and by words in capital letters. `--how greedy` asks the
version and looks at nothing else; `guided` also reads the gradients of a model that lies here, and asks less; `blind`
draws, and is what the others are to be better than. The champion is attacked beside it in the same way, and of each the
slice of the rows that suffers most is named. `--suite FILE` writes what broke as a suite for `homeostat suites add`, to
what the file has already: fenced from training, and not to be lost again once a version gets it right.

Exit codes: 0 printed, whatever broke; 1x configuration; 22 there are no test rows; 35 replies are no labels, or have
no gradient; 41 there is no such version.

Example: `homeostat attack ver_1v9x3k --how guided --limit queries=200 --suite suites/broken.yaml`
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.attacked import show
from homeostat.cli.evaluate import moment
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.errors import NotReleasable, UnknownKey, WrongType, did_you_mean
from homeostat.evaluate.attack.attack import Limits, hold
from homeostat.loop.asking.attack import chosen, hold_suite, tried, write_suite
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop

ROWS = 200
"""Test rows that are attacked unless `--limit rows=…` says otherwise; the same ones each time."""
KEYS = {"by": str, "queries": int, "rows": int, "seed": int, "words": float}
"""What `--limit` may say -> what it is."""
LEAST, MOST = {"queries": 2, "rows": 1}, {"words": 1.0}
"""The least and the most of what has one."""


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    against: Annotated[str, typer.Option(help="Id of another one. Empty: the champion.")] = "",
    how: Annotated[str, typer.Option(help="`greedy`, `guided` or `blind`.")] = "greedy",
    limit: Annotated[list[str] | None, typer.Option(help="KEY=VALUE: by, queries, rows, seed or words.")] = None,
    suite: Annotated[Path | None, typer.Option(help="File to write what broke to, as a suite.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Attack a version: look for small changes to requests that keep their meaning and change the reply."""
    given = limited(limit or ())
    rows = given.pop("rows", ROWS)
    limits = Limits(how=how, **given)
    hold(limits)
    with closing(Workshop.open(load(config))) as shop:
        mine = shop.store.versions.get(version)
        other = against or shop.store.aliases.get(mine.task, "champion") or version
        versions = [mine, *([shop.store.versions.get(other)] if other != version else [])]
        if versions[-1].task != mine.task:
            raise NotReleasable(f"{other} is a version of task '{versions[-1].task}', not of '{mine.task}'")
        if suite:
            hold_suite(suite, shop.config.task(mine.task))
        exams = chosen(shop.suite_at(mine.task, moment(shop, mine).until), rows)
        with Scene().bar("attack", len(versions) * len(exams), f"{len(exams)} rows are attacked, {how}") as bar:
            found = tried(shop, versions, exams, limits, bar.to)
        kept = write_suite(suite, shop.config.task(mine.task), found[version].attempts) if suite else 0
    if as_json:
        document({"version": version, "limits": limits, "found": found, "suite": str(suite or ""), "cases": kept})
        return
    show(found)
    if suite:
        added = f"{kept} cases; `homeostat suites add {suite}` fences them from training" if kept else "nothing"
        typer.echo(f"\n{suite}: {added}")


def limited(said: Sequence[str]) -> dict[str, Any]:
    """What `KEY=VALUE` says, by key.

    Raises:
        UnknownKey, WrongType: there is no such key, or it is no such value.
    """
    found = dict[str, Any]()
    for each in said:
        key, _, value = each.partition("=")
        if key not in KEYS:
            raise UnknownKey(f"an attack has no limit '{key}'", where="--limit", fix=did_you_mean(key, KEYS))
        try:
            found[key] = tuple(value.split(",")) if key == "by" else KEYS[key](value)
        except ValueError:
            raise WrongType(f"'{value}' is no value for {key}", where="--limit", fix="write a number") from None
        if key != "by" and not LEAST.get(key, 0) <= found[key] <= MOST.get(key, float("inf")):
            raise WrongType(f"{key}={value} is out of its range", where="--limit", fix="write another number")
    return found
