"""What drills so far came to: each of them, and kind by kind how many were seen, how soon, and how many had it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import typer

from homeostat.cli.table import document, scored, table
from homeostat.loop.undoing.drilling import Coming
from homeostat.stats.intervals import proportion
from homeostat.web import words

Drills = Sequence[Mapping[str, Any]]


def tell_past(task: str, drills: Drills, coming: Sequence[Coming], *, as_json: bool) -> None:
    """Print what came of a task's drills, oldest first, and when the next ones are due."""
    kinds = dict(sorted(_kinds(drills)))
    if as_json:
        document({"task": task, "kinds": kinds, "drills": drills, "next": coming})
        return
    columns = ("drill", "ordered (UTC)", "kind", "by", "seen", "seconds", "exposed")
    table(f"drills of {task}", columns, [_row(one) for one in drills])
    if kinds:
        lines = [(kind, scored(of["seen"]), _s(of["seconds"]), _s(of["exposed"])) for kind, of in kinds.items()]
        table("\nby kind", ("kind", "seen, of those that ended", "seconds, median", "exposed, median"), lines)
    for one in coming:
        typer.echo(drill_of(one))


def drill_of(coming: Coming) -> str:
    """When the next drill of a task comes by a policy, in a sentence."""
    when = f"due, and waits: {coming.waits}" if coming.waits else f"{words.when(coming.next)} UTC"
    when += "" if coming.counted else " or later, counted from when a worker (`homeostat up`) first looks"
    return f"next drill ({coming.kind}, policy {coming.policy}): {'now' if coming.due and not coming.waits else when}"


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    seconds, exposed = _s(one["seconds"]), words.count(one["exposed_requests"])
    by = one["policy"] or "a person"
    return (one["drill"], words.when(one["time"]), one["kind"], by, _how(one), seconds, exposed)


def _kinds(drills: Drills) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of the drills that have ended: the share that was seen, with its exact interval, and medians of those."""
    for kind in {one["kind"] for one in drills if one["withdrawn"]}:
        ended = [one for one in drills if one["kind"] == kind and one["withdrawn"]]
        seen = [one for one in ended if one["seen"]]
        medians = {
            name: median(one[key] for one in seen) if seen else None
            for name, key in (("seconds", "seconds"), ("exposed", "exposed_requests"))
        }
        yield kind, {"seen": proportion(len(seen), len(ended)), **medians}


def _how(one: Mapping[str, Any]) -> str:
    return "yes" if one["seen"] else "no" if one["withdrawn"] else "under way, or broken off"


def _s(value: float | None) -> str:
    return "–" if value is None else words.amount(value)
