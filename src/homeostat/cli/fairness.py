"""Say how a version treats groups: its test suite by tags, and what swapping words alone does to its replies.

The suite is compared by the tags of `tasks.NAME.fair`, and by those of `--by`: accuracy, how much too sure replies are,
and for each label how often it is given, given rightly (equal opportunity) and given wrongly, with the widest gap
between two values of the tag. Then every request that has such words is asked again with pronouns, names and words of
gender swapped, or the words of a file of pairs, and replies that change are counted. Nothing is written.

Exit codes: 0 printed; 1x configuration; 2x a file cannot be read, or the suite has no rows; 3x model; 41 there is no
such version; 61 the two versions belong to different tasks.

Example: `homeostat fairness ver_1v9x3k --by language --against ver_0c2m8p`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.evaluate import moment
from homeostat.cli.table import document, table
from homeostat.config.load import load
from homeostat.curate.swap import ENGLISH, swap_of
from homeostat.errors import NotReleasable
from homeostat.loop.fairness import Audit, Flips, audit
from homeostat.loop.workshop import Workshop
from homeostat.types.report import Score
from homeostat.web import words

TEXT = 80
"""Characters of an example that are shown."""


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
        tags = tuple(dict.fromkeys([*shop.config.tasks[versions[0].task].fair, *(by or [])]))
        found = {one.id: audit(shop, one, shop.suite_at(one.task, until), tags, exchanged) for one in versions}
    document({"at": until, "versions": found}) if as_json else _print(found)


def _print(found: Mapping[str, Audit]) -> None:
    first = next(iter(found.values()))
    for tag, lines in first.tags.items():
        beside = {
            id: {line.what: line for line in other.tags[tag]} for id, other in found.items() if other is not first
        }
        rows = [
            (
                line.what,
                _groups(line.groups),
                f"{gapped(line.gap.score)}, {line.gap.most} over {line.gap.least}",
                *(gapped(each[line.what].gap.score) if line.what in each else "–" for each in beside.values()),
            )
            for line in lines
        ]
        table(f"\nby {tag}", ("what", "groups", "gap", *(f"gap of {id}" for id in beside)), rows)
    table("\nwords swapped", ("version", "requests", "replies that change"), [_flips(*one) for one in found.items()])
    examples = [(_short(text), _short(mine), _short(other)) for text, mine, other in first.flips.examples]
    if examples:
        table("\nsuch as", ("request", "reply", "reply with words swapped"), examples)


def gapped(score: Score) -> str:
    """`35.2 points (28.1 to 42.0)`"""
    return f"{100.0 * score.mean:.1f} points ({100.0 * score.low:.1f} to {100.0 * score.high:.1f})"


def _groups(groups: Mapping[str, Score]) -> str:
    ordered: Sequence[tuple[str, Score]] = sorted(groups.items(), key=lambda one: -one[1].mean)
    return ", ".join(f"{name} {words.percent(score.mean)} of {score.n:,}" for name, score in ordered)


def _flips(version: str, told: Audit) -> tuple[str, str, str]:
    found: Flips = told.flips
    if found.changed is None:
        return version, "0", "–"
    said = words.scored(found.changed.mean, found.changed.low, found.changed.high, found.changed.n)
    return version, f"{found.swapped:,}", said + (f"; they agree by {found.agree.mean:.2f}" if found.agree else "")


def _short(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"
