"""The requests around a change, laid on a map: those before it, those since, and the topics that were named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.monitor.naming.name import state_key
from homeostat.monitor.naming.plane import plane_of
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Signal
from homeostat.web.pages.page import Data, found
from homeostat.web.plain import plain

ROWS = 1_000
"""Requests of either side that the map is drawn from, at most."""
_SAID = 400
"""Characters of a request that are kept."""


def mapped(store: Store, task: str, version: str, signals: Sequence[Signal], *, seed: int = 0) -> Data:
    """The map around the newest of these signals that falls into the traffic of a version; without one, that of its
    first requests beside its newest.
    """
    signal = next((one for one in reversed(signals) if _falls(store, one, version)), None)
    if signal is None:
        first, last = (store.vectors.worn(rows) for rows in _ends(store, task, version))
        return _map(first, last, [], seed) | {"signal": "", "embedded": _embedded(store)}
    naming = store.state.get(state_key(signal.id)) or {}
    change = naming.get("since") or signal.since or signal.time
    before = store.interactions.last(task, ROWS, until=change, version=version)
    since = store.interactions.list(task, since=change, limit=ROWS, version=version)
    before, since = store.vectors.worn(before), store.vectors.worn(since)
    return _map(before, since, _topics(store, naming), seed) | {"signal": signal.id, "embedded": _embedded(store)}


def _embedded(store: Store) -> Data | None:
    """What requests are embedded by, and since when; None where it is the model that answers."""
    now = store.vectors.in_force
    return None if now is None else {"name": now.name, "since": now.since, "before": now.before}


def _falls(store: Store, signal: Signal, version: str) -> bool:
    """Whether a signal is about requests, with some that this version answered on either side of the change."""
    if not signal.moved.retrains or not version:
        return False
    change = signal.since or signal.time
    first = store.interactions.list(signal.task, limit=1, version=version)
    last = store.interactions.last(signal.task, 1, version=version)
    return bool(first and last) and first[0].time < change <= last[0].time


def _ends(store: Store, task: str, version: str) -> tuple[list[Interaction], list[Interaction]]:
    """The first rows of a version and its newest, none of them in both."""
    if not version:
        return [], []
    first = store.interactions.list(task, limit=ROWS, version=version)
    last = store.interactions.last(task, ROWS, version=version)
    known = {row.id for row in first}
    fresh = [row for row in last if row.id not in known]
    # Of a short log the two halves are what is compared: the newest rows would all be among the first ones.
    return (first, fresh) if len(fresh) >= len(first) // 2 else (first[: len(first) // 2], first[len(first) // 2 :])


def _topics(store: Store, naming: Mapping[str, Any]) -> list[tuple[Data, list[Interaction]]]:
    """What was named of each new topic, with the requests in its middle, of those that are still there."""
    shown = []
    for topic in naming.get("topics", ()):
        rows = [row for id in topic["examples"] if (row := found(store.interactions, id)) is not None]
        shown += [(topic, store.vectors.worn(rows))] if rows else []
    return shown


def _map(
    before: Sequence[Interaction],
    since: Sequence[Interaction],
    topics: Sequence[tuple[Data, list[Interaction]]],
    seed: int,
) -> Data:
    drawn = plane_of(before, since, topics={topic["name"]: rows for topic, rows in topics}, seed=seed)
    told: Data = plain(drawn)
    for point in told["points"]:
        point["text"] = point["text"][:_SAID]
    told["topics"] = [
        {"name": topic["name"], "before": topic["before"], "after": topic["after"], "example": rows[0].text}
        | dict(zip("xy", drawn.topics[topic["name"]], strict=True))
        for topic, rows in topics
        if topic["name"] in drawn.topics
    ]
    return told | {"before": _side(before), "since": _side(since)}


def _side(rows: Sequence[Interaction]) -> Data:
    return {"requests": len(rows), "from": rows[0].time if rows else None, "to": rows[-1].time if rows else None}
