"""Erase a user: from rows, datasets, test rows, answers, files, free pages, and weights that learned from them.

Without `--yes` nothing is done: what would be is told. A user is whoever stands as `user` in requests, or as the tag
`user`, or as the `source` of feedback, written exactly so; `--rows FILE` names further rows by id or whole text, one a
line, such as those of an import. A version that answers and learned from them goes on answering until another one does:
`--then withdraw` goes back at once to the newest that did not, `--then retrain` makes it again without the rows, as a
candidate. Interrupted, or refused by a file in use, it is completed by saying it again. Without a user it finishes what
earlier erasures left, once other versions answer. `homeostat erase check` looks for texts in every file.

Exit codes: 0 told, or nothing is left; 1x configuration; 35 a version cannot be made again; 46 something is left, and
where; 62 there is no version to go back to.

Example: `homeostat erase --user alice@example.com --plan`
"""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.erasing import Told, done_with, lines, told_of, told_of_plan
from homeostat.config.load import load
from homeostat.loop.making.rebuild import rebuild
from homeostat.loop.story.scene import Scene
from homeostat.loop.undoing.erase import erase, plan, withdraw
from homeostat.loop.workshop import Workshop


class Then(StrEnum):
    """What becomes of a version that answers and learned from the rows."""

    WITHDRAW = "withdraw"
    RETRAIN = "retrain"


def command(
    user: Annotated[str, typer.Option(help="The user, written exactly so.")] = "",
    rows: Annotated[Path | None, typer.Option(exists=True, help="Ids and whole texts that go too, one a line.")] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Tell what would be done, even with --yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. It cannot be undone.")] = False,
    then: Annotated[list[Then] | None, typer.Option(help="What becomes of what answers; may be both.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Erase a user: from rows, datasets, test rows, answers, files, free pages, and weights that learned from them."""
    doing = yes and not only_plan
    with closing(Workshop.open(load(config))) as shop:
        if doing:
            told = _done(shop, user, lines(rows), then or [])
        else:
            told = told_of_plan(shop, plan(shop, user, lines(rows)))
    done_with("erased" if doing else "would go", told, as_json=as_json)


def _done(shop: Workshop, user: str, rows: list[str], then: list[Then]) -> Told:
    planned = plan(shop, user, rows)
    withdrawn = withdraw(shop, planned) if Then.WITHDRAW in then and planned.flagged else {}
    done = erase(shop, planned)
    made = dict[str, str]()
    for version in planned.flagged if Then.RETRAIN in then else ():
        with Scene().bar("train", 1, f"{version} is made again without them") as bar:
            new = rebuild(shop, shop.store.versions.get(version), bar.training)
        made[version] = new.id if new else "nothing is left to learn from"
    return told_of(shop, planned, done, withdrawn, made)
