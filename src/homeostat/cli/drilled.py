"""What drills so far came to: each of them, and kind by kind how many were seen, how soon, and how many had it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from homeostat.cli.table import document, scored, table
from homeostat.stats.intervals import proportion
from homeostat.web import words

Drills = Sequence[Mapping[str, Any]]


def tell_past(task: str, drills: Drills, *, as_json: bool) -> None:
    """Print what came of a task's drills, oldest first."""
    kinds = dict(sorted(_kinds(drills)))
    if as_json:
        document({"task": task, "kinds": kinds, "drills": drills})
        return
    rows = [
        (
            one["drill"],
            words.when(one["time"]),
            one["kind"],
            _how(one),
            _s(one["seconds"]),
            str(one["exposed_requests"]),
        )
        for one in drills
    ]
    table(f"drills of {task}", ("drill", "ordered (UTC)", "kind", "seen", "seconds", "exposed"), rows)
    if kinds:
        lines = [(kind, scored(of["seen"]), _s(of["seconds"]), _s(of["exposed"])) for kind, of in kinds.items()]
        table("\nby kind", ("kind", "seen, of those that ended", "seconds, median", "exposed, median"), lines)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    seconds, exposed = _s(one["seconds"]), words.count(one["exposed_requests"])
    return (one["drill"], words.when(one["time"]), one["kind"], _how(one), seconds, exposed)


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
