"""Merge several versions of the project's base into one, and register it as a candidate. Releases nothing.

What each version changes is added up exactly (its two factors are never averaged apart): `cat` is the mean, whose rank
is the sum of theirs; `svd` the nearest to it of the largest rank among them; `task` the sum; `ties` and
`dare` let them contradict each other less. `--weight`, again for each version in their order, says how much of each;
`--search` goes on from there on rows that every training held out, with weights for each block where there are 200 of
them. The rows of the labels are fitted to what all of them learned, if `train.refit` is on. Every version is measured
on those rows beside what comes out. The versions may be of several tasks; what comes out is of the first one's.
`--dry-run` writes nothing.

Exit codes: 0 merged, or there already; 1x configuration, of them 13 there is no such way; 26 too few rows to search by;
3x model, of them 35 one of them is no adapter of the base; 41 there is no such version; 61 their tasks reply otherwise.

Example: `homeostat merge ver_1v9x3k ver_0c2m8p --how svd --search`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.table import document, facts, scored, table
from homeostat.config.load import load
from homeostat.loop.making.merging import Merge, Merged, foreseen, merge
from homeostat.loop.workshop import Workshop
from homeostat.train.transfer.blend import How
from homeostat.web import words


def command(
    versions: Annotated[list[str], typer.Argument(help="Ids of two versions or more.")],
    how: Annotated[str, typer.Option(help="cat, svd, task, ties or dare.")] = "cat",
    weight: Annotated[list[float] | None, typer.Option(help="How much of a version; again for each.")] = None,
    search: Annotated[bool, typer.Option("--search", help="Look for better weights on held-out rows.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would go by, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Merge several versions of the project's base into one"""
    if len(set(versions)) < 2:
        raise typer.BadParameter("name two versions or more")
    with closing(Workshop.open(load(config))) as shop:
        members = tuple(shop.store.versions.get(id) for id in dict.fromkeys(versions))
        wish = Merge(
            task=shop.config.task(members[0].task),
            members=members,
            how=How(way=how, weights=tuple(weight or ()), search=search),
        )
        if dry_run:
            told = foreseen(shop, wish)
            document(told) if as_json else facts("would merge", told)
            return
        done = merge(shop, wish)
    document(_document(done)) if as_json else _print(done)


def _document(done: Merged) -> dict[str, Any]:
    said = {"version": done.version.id, "task": done.version.task, "labels": len(done.version.labels)}
    recipe = {key: done.version.recipe[key] for key in ("how", "of", "weights", "blocks", "rank")}
    measured = {"lines": done.found.lines, "gain": done.found.gain, "searched": done.found.asked} if done.found else {}
    return {**said, **recipe, **measured, **done.version.cost}


def _print(done: Merged) -> None:
    said = _document(done)
    lines, gain = said.pop("lines", ()), said.pop("gain", None)
    facts("merged", said)
    if lines:
        rows = [(line.name, scored(line.right) if line.right else "", scored(line.loss)) for line in lines]
        table(f"\n{lines[0].loss.n:,} rows that were held out", ("who", "told right", "loss, nats"), rows)
    if gain is not None:
        typer.echo(f"\nbeside the best of them: {words.moved(gain.mean, gain.low, gain.high, gain.n)}")
