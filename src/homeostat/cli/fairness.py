"""Say how a version treats groups: its test suite by tags, and what swapping words alone does to its replies.

The suite is compared by the tags of `tasks.NAME.fair`, and by those of `--by`: accuracy, how much too sure replies are,
and for each label how often it is given, given rightly (equal opportunity) and given wrongly, with the widest gap
between two values of the tag; of a version that adds offsets for groups also what it would be without these. Then every
request that has such words is asked again, without its tags, with pronouns, names and words of gender swapped, or the
words of a file of pairs, and replies that change are counted. Nothing is written.

Exit codes: 0 printed; 1x configuration, of them 13 no test row carries the tag; 2x a file cannot be read, or the suite
has no rows; 3x model; 41 there is no such version; 61 the two versions belong to different tasks.

Example: `homeostat fairness ver_1v9x3k --by language --against ver_0c2m8p`
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.evaluate import moment
from homeostat.cli.table import document
from homeostat.cli.treated import shown
from homeostat.config.load import load
from homeostat.curate.swap import ENGLISH, swap_of
from homeostat.errors import NotReleasable, UnknownPlugin, did_you_mean
from homeostat.loop.asking.fairness import audit
from homeostat.loop.workshop import Workshop


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    against: Annotated[str, typer.Option(help="Id of another one, to be shown beside it.")] = "",
    by: Annotated[list[str] | None, typer.Option(help="A tag whose values are compared; may come again.")] = None,
    swap: Annotated[str, typer.Option(help="Pairs of words: `english`, or a file of them.")] = ENGLISH,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say how a version treats groups."""
    exchanged = swap_of(swap)
    with closing(Workshop.open(load(config))) as shop:
        versions = [shop.store.versions.get(id) for id in dict.fromkeys([version, *([against] if against else [])])]
        if len({one.task for one in versions}) > 1:
            raise NotReleasable(f"{against} is a version of task '{versions[-1].task}', not of '{versions[0].task}'")
        until = moment(shop, versions[0]).until
        _hold(shop, versions[0].task, by or [])
        tags = tuple(dict.fromkeys([*shop.config.tasks[versions[0].task].fair, *(by or [])]))
        if not tags:
            typer.echo(_no_tag(shop, versions[0].task), err=True)
        found = {one.id: audit(shop, one, shop.suite_at(one.task, until), tags, exchanged) for one in versions}
    document({"at": until, "versions": found}) if as_json else shown(found)


def _hold(shop: Workshop, task: str, tags: Sequence[str]) -> None:
    """Hold that some test row carries each tag.

    Raises:
        UnknownPlugin: none does.
    """
    known = _tags(shop, task)
    for tag in tags:
        if tag not in known:
            raise UnknownPlugin(f"no test row carries the tag '{tag}'", where="--by", fix=did_you_mean(tag, known))


def _no_tag(shop: Workshop, task: str) -> str:
    """What to say where no groups are compared, as none were named."""
    known = ", ".join(sorted(_tags(shop, task)))
    carried = f"test rows carry {known}" if known else "no test row carries a tag"
    return f"no groups are compared, for no tag is named: `--by TAG`, or `fair` of tasks.{task} ({carried})"


def _tags(shop: Workshop, task: str) -> set[str]:
    return {tag for row in shop.suite(task) for tag in row.tags}
