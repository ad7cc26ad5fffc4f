"""Names what moved once enough requests have followed a change: reads the rows around a signal, keeps what is found."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from homeostat.metrics.replies import agreement
from homeostat.monitor.naming.name import BEFORE, LEAST, LOOKS, Moved, Naming, due, early, name, state_key
from homeostat.monitor.seasons import ALL, BY_DAY, DAY_S
from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import PROPORTIONS, Signal

NEWEST = 5
"""Signals of a task that are followed: the newest ones."""
DAYS, WEEK_S = 28, 7 * DAY_S
"""How far back requests of the same hours are looked for, and the length of a week."""


def name_moves(store: Store, task: str, champion: str, seed: int = 0, hours: int = ALL) -> None:
    """Take every look that is due at the newest signals of a version, and keep what it names.

    Until a signal's first look is due, what is kept says how many requests are missing. `hours` is how many parts of
    the week the watcher tells apart: where it does, requests are compared with those of the same hours of earlier days.
    """
    begun = store.versions.get(champion).time
    for signal in store.signals.list(task, limit=NEWEST):
        if begun <= signal.since <= signal.time:
            # A change of proportions was found by comparing requests with those of the same hour of the day.
            least = BY_DAY if signal.detector == PROPORTIONS else ALL
            _follow(store, signal, champion, seed, max(hours, least))


def _follow(store: Store, signal: Signal, champion: str, seed: int, hours: int) -> None:
    known: dict[str, Any] = store.state.get(state_key(signal.id), {})
    looked, seen = int(known.get("looked", 0)), int(known.get("n", -1))
    if looked >= len(LOOKS):
        return
    n = store.interactions.count(signal.task, since=signal.since, version=champion)
    if due(n) > looked:
        _put(store, signal, name(_around(store, signal, champion, seed, hours)))
    elif not looked and n != seen:
        _put(store, signal, early(n))


def _put(store: Store, signal: Signal, naming: Naming) -> None:
    store.state.put(state_key(signal.id), asdict(naming))


def _around(store: Store, signal: Signal, champion: str, seed: int, hours: int) -> Moved:
    """The rows of a version before a change and since, at most as many as are looked at."""
    task, since = signal.task, signal.since
    after = store.interactions.list(task, since=since, version=champion, limit=LOOKS[-1])
    earlier = before(store, signal, champion)
    right = _right(store, signal, champion, earlier)
    same = alike(store, signal, champion, after[-1].time, hours) if hours > ALL and after else []
    worn = store.vectors.worn
    return Moved(
        before=worn(earlier),
        since=worn(after),
        alarm=signal.time,
        right=right,
        slice=signal.slice,
        alike=worn(same) if len(same) >= LEAST else (),
        seed=seed,
    )


def alike(store: Store, signal: Signal, champion: str, last: float, hours: int) -> list[Interaction]:
    """Rows of the same stretch of the day, or of the week, before the change, the newest stretches that hold enough."""
    begun, since = store.versions.get(champion).time, signal.since
    period = WEEK_S if hours > BY_DAY else DAY_S
    step = period * max(1, math.ceil((last - since) / period))
    found: list[Interaction] = []
    for number in range(1, DAYS * int(DAY_S) // int(step) + 1):
        start = since - number * step
        if start < begun or len(found) >= BEFORE:
            break
        until = min(last - number * step + 1.0, since)
        rows = store.interactions.list(signal.task, since=start, until=until, version=champion)
        found = [*rows[:: max(1, len(rows) // BEFORE)], *found]
    return found


def before(store: Store, signal: Signal, champion: str) -> list[Interaction]:
    """The last rows before a change, oldest first: the stretch that is read doubles until it holds enough of them."""
    task, since, begun = signal.task, signal.since, store.versions.get(champion).time
    span = max(signal.time - since, 60.0)
    while since - span > begun and _count(store, task, champion, since - span, since) < BEFORE:
        span *= 2
    start = max(since - span, 0.0)
    return store.interactions.list(task, since=start, until=since, version=champion)[-BEFORE:]


def _count(store: Store, task: str, champion: str, since: float, until: float) -> int:
    return store.interactions.count(task, since=since, until=until, version=champion)


def _right(store: Store, signal: Signal, champion: str, before: list[Interaction]) -> dict[str, float]:
    """By id, how right the replies were that somebody has said something of, in [0, 1]."""
    since = before[0].time if before else signal.since
    pairs = store.interactions.labeled(signal.task, since=since, version=champion, measuring=True)
    return {
        row.id: float(row.reply.strip() == said.value.strip())
        if said.kind is FeedbackKind.LABEL
        else agreement(row.reply, said.value)
        for row, said in pairs
    }
