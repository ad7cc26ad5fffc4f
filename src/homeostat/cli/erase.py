"""Erase a user: from rows, datasets, test rows, answers, weights that learned from them, and the files' free pages.

Without `--yes` nothing is done: what would be is told. A user is whoever stands as `user` in requests, or as the tag
`user`, or as the `source` of feedback, written exactly so; `--rows FILE` names further rows by id or whole text, one a
line, such as those of an import. A version that answers and learned from them goes on answering until another one does:
`--withdraw` goes back at once to the newest that did not, `--retrain` makes it again without the rows, as a candidate.
Interrupted, or refused by a file in use, it is completed by saying it again. Without a user it finishes what earlier
erasures left, once other versions answer. `--check FILE` looks for texts, one a line, in every file of the project.

Exit codes: 0 told, or nothing is left; 1x configuration; 35 a version cannot be made again; 46 something is left, and
where; 62 there is no version to go back to.

Example: `homeostat erase --user alice@example.com --plan`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.erasing import Told, told_of, told_of_check, told_of_plan
from homeostat.cli.table import document, facts
from homeostat.config.load import load
from homeostat.errors import NotErased
from homeostat.loop.erase import erase, look, plan, withdraw
from homeostat.loop.rebuild import rebuild
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop


def command(
    user: Annotated[str, typer.Option(help="The user, written exactly so.")] = "",
    rows: Annotated[Path | None, typer.Option(exists=True, help="Ids and whole texts that go too, one a line.")] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Tell what would be done, even with --yes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. It cannot be undone.")] = False,
    back: Annotated[bool, typer.Option("--withdraw", help="Go back at once to a version without them.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="Make what answers again without them.")] = False,
    check: Annotated[Path | None, typer.Option(exists=True, help="Only look for these texts, one a line.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Erase a user: from rows, datasets, test rows, answers, weights that learned from them, and free pages."""
    with closing(Workshop.open(load(config))) as shop:
        if check:
            said, left = told_of_check(look(shop, _lines(check)))
        elif not yes or only_plan:
            said, left = told_of_plan(shop, plan(shop, user, _lines(rows))), None
        else:
            said, left = _done(shop, user, _lines(rows), back=back, retrain=retrain)
    document(said) if as_json else facts("found" if check else "erased" if yes and not only_plan else "would go", said)
    if left:
        raise NotErased(left[0], where=left[1], fix=left[2])


def _done(shop: Workshop, user: str, rows: list[str], *, back: bool, retrain: bool) -> Told:
    planned = plan(shop, user, rows)
    withdrawn = withdraw(shop, planned) if back and planned.flagged else {}
    done = erase(shop, planned)
    made = dict[str, str]()
    for version in planned.flagged if retrain else ():
        with Scene().bar("train", 1, f"{version} is made again without them") as bar:
            new = rebuild(shop, shop.store.versions.get(version), bar.training)
        made[version] = new.id if new else "nothing is left to learn from"
    return told_of(shop, planned, done, withdrawn, made)


def _lines(file: Path | None) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()] if file else []
