"""Traffic over time, then the newest interactions and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, nextafter
from typing import Any

from homeostat.collect.unanswered import STEP_S, unanswered
from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.store.interactions import Figures, Which
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind
from homeostat.web import timelines
from homeostat.web.pages.page import Asked, Data, Page, chosen_task, moment
from homeostat.web.plain import plain
from homeostat.web.usage import usage

SHOWN = 100
"""Interactions on a page."""
SEARCHED = 2_000
"""Newest interactions that a tag is looked for in."""
COUNTED = 20_000
"""Newest interactions that traffic over time is told of."""
_VERSIONS = 20


def data(store: Store, config: Config, asked: Asked) -> Data:
    """Newest first; `task`, `version`, `tag` (`key=value`) and `until` (seconds since 1970) narrow it."""
    task, version, tag = chosen_task(config, asked), asked.get("version", ""), asked.get("tag", "")
    which: Which = {"until": moment(asked, "until", inf), "version": version}
    limit = SEARCHED if tag else SHOWN
    known = store.interactions.last(task, limit + 1, **which)[::-1] if task else []
    places = [place for place, row in enumerate(known[:limit]) if _has(row, tag)][:SHOWN]
    return {
        "asked": {"task": task, "version": version, "tag": tag},
        "tasks": list(config.tasks),
        "versions": [v.id for v in reversed(store.versions.list(task, limit=_VERSIONS))] if task else [],
        "tags": _tags(known),
        "searched": min(limit, len(known)),
        "older": _older(known, places[-1] + 1 if len(places) == SHOWN else limit),
        **_over_time(store, task, which, tag),
        "interactions": _with_feedback(store, config, task, [known[place] for place in places]),
    }


def _over_time(store: Store, task: str, which: Which, tag: str) -> Data:
    """The traffic that the same filters leave, in stretches of time, and what got no reply meanwhile."""
    rows = store.interactions.figures(task, COUNTED, **which) if task else []
    told = usage([row for row in rows if _has(row, tag)])
    span = (told.stretches[0].start, told.stretches[-1].end) if told.stretches else (inf, -inf)
    lost = unanswered(store, task) if task else []
    inside = [one for one in lost if span[0] - STEP_S < one.start < span[1]]
    sums = {fault: sum(one.n for one in inside if one.fault is fault) for fault in (True, False)}
    return {
        "counted": len(rows),
        "cut": len(rows) == COUNTED,
        "usage": plain(told),
        "unanswered": {
            "failed": sums[True],
            "refused": sums[False],
            "elsewhen": sum(one.n for one in lost) - sums[True] - sums[False],
            "stretches": [plain(one) | {"fault": one.fault} for one in inside],
        },
    }


def _has(row: Interaction | Figures, tag: str) -> bool:
    key, _, value = tag.partition("=")
    return not tag or row.tags.get(key.strip()) == value.strip()


def _older(known: list[Interaction], end: int) -> float | None:
    """The moment before which the next page begins, where there are rows past the first `end`.

    Where a moment's rows are cut in two, they all come again, so that none is lost; only a moment with more rows than
    a whole page keeps some to itself.
    """
    if end >= len(known):
        return None
    last = known[end - 1].time
    cut = known[end].time == last and known[0].time > last
    return nextafter(last, inf) if cut else last


def _tags(rows: Iterable[Interaction]) -> list[str]:
    return sorted({f"{key}={value}" for row in rows for key, value in row.tags.items()})[:100]


def _with_feedback(store: Store, config: Config, task: str, rows: list[Interaction]) -> list[Any]:
    said: dict[str, list[Feedback]] = {}
    for feedback in store.feedback.of([row.id for row in rows]):
        said.setdefault(feedback.interaction, []).append(feedback)
    label = bool(task) and config.task(task).kind is Kind.LABEL
    return [plain(row) | _unanswered(row) | _judged(row, said.get(row.id, []), label) for row in rows]


def _unanswered(row: Interaction) -> Data:
    """What is not known of a row that was imported: no version answered it."""
    return {} if row.version else {"confidence": None, "latency_ms": None}


def _judged(row: Interaction, said: list[Feedback], label: bool) -> Data:
    """What was said of a reply, and for a label that was given whether the newest truth agrees with it."""
    truth = next((feedback.value for feedback in reversed(said) if feedback.kind in TRUTHS), None)
    right = row.reply == truth if label and row.version and truth is not None else None
    return {"feedback": plain(said), "truth": truth, "right": right}


def draw(data: Data) -> Data:
    """Volume, what got no reply, latency, tokens, and a chart for each tag; nothing where there is one stretch."""
    told = data["usage"]
    return {"charts": timelines.charts(told["stretches"], told["tags"], data["unanswered"]["stretches"])}


PAGE = Page(path="/traffic", name="Traffic", template="traffic.html", data=data, draw=draw)
