"""Have a version answer recorded requests before it is released, and say what it would do live and what would change.

The newest requests of the log are asked again (`--rows` of them, of the newest week where it has as many). Replies
that fail in a way that a program can see are counted, and how many there will be among `--live` requests (without it:
as many as the log's newest week) is told with a 95 % interval. Beside it stands by how much each behavior's share
differs from what users got; then the changes, each with its name, the slices that hold more of it, and examples.
Nothing is written.

Exit codes: 0 printed; 1x configuration; 22 the log has fewer than 20 requests that the version has
not learned from; 3x model; 41 there is no such version.

Example: `homeostat rehearse ver_1v9x3k --rows 2000 --live 50000`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, table
from homeostat.config.load import load
from homeostat.errors import EmptyStream
from homeostat.loop.asking.rehearse import LEAST, Rehearsal, rehearse
from homeostat.loop.workshop import Workshop
from homeostat.monitor.behavior.changes import Change
from homeostat.web import words

COLUMNS = ("behavior", "rehearsed", "expected live", "95 %", "against what users got")


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    rows: Annotated[int, typer.Option(min=LEAST, help="Requests that are asked again.")] = 1000,
    live: Annotated[int, typer.Option(min=0, help="Live requests to forecast; 0: as many as in a week.")] = 0,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Have a version answer recorded requests before it is released."""
    with closing(Workshop.open(load(config))) as shop:
        candidate = shop.store.versions.get(version)
        found = rehearse(shop, candidate, rows, live=live or None)
    if found is None:
        what = f"the log of task '{candidate.task}' has fewer than {LEAST} requests that {version} has not learned from"
        fix = "send it traffic, or import some: `homeostat import FILE --rows-only`"
        raise EmptyStream(what, where="log", fix=fix)
    document(found) if as_json else _print(found)


def _print(found: Rehearsal) -> None:
    same = "what users got is not known" if found.same is None else f"{words.percent(found.same)} answered as before"
    title = f"{found.version} on {words.count(found.requests)} requests ({words.when(found.since)} to "
    title += f"{words.when(found.until)}), {same}; live: {words.count(found.live)} requests"
    table(title, COLUMNS, [_behavior(found, name) for name in found.behaviors])
    table("\nwhat changes", ("change", "requests", "where", "for example"), [_change(one) for one in found.changes])


def _behavior(found: Rehearsal, name: str) -> tuple[str, ...]:
    told, moved = found.behaviors[name], found.shifts.get(name)
    seen = words.scored(told.seen.mean, told.seen.low, told.seen.high, told.seen.n)
    difference = words.moved(moved.mean, moved.low, moved.high, moved.n) if moved else ""
    return name, seen, words.amount(told.expected), f"{told.low:,.0f} to {told.high:,.0f}", difference


def _change(one: Change) -> tuple[str, ...]:
    judged = f"; of {one.judged} judged {one.won} won, {one.lost} lost" if one.judged else ""
    where = ", ".join(f"{w.name} ({words.percent(w.inside)}, else {words.percent(w.outside)})" for w in one.where)
    example = " ".join(one.examples[0].text.split())[:80] if one.examples else ""
    return one.name, f"{one.n} ({words.percent(one.share)}){judged}", where, example
