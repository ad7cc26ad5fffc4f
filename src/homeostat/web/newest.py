"""The newest rows of a log that is read from its beginning."""

from __future__ import annotations

import time
from math import inf
from typing import Unpack

from homeostat.store import Store
from homeostat.store.interactions import Which
from homeostat.types.interaction import Interaction

_HALVINGS = 64


def newest(store: Store, task: str, n: int, **which: Unpack[Which]) -> list[Interaction]:
    """The newest `n` interactions of a task, newest first.

    The store lists from a moment on, so a moment with enough rows after it, and few more, is sought by halving.
    """
    since = _moment(store, task, n, which)
    narrowed: Which = {**which, "since": since}
    return store.interactions.list(task, **narrowed)[::-1][:n]


def _moment(store: Store, task: str, n: int, which: Which) -> float:
    """A moment after which there are at least `n` rows, or all."""
    first = store.interactions.list(task, limit=1, **which)
    if not first or _count(store, task, which, first[0].time) <= 2 * n:
        return which.get("since", 0.0)
    low, high = first[0].time, min(which.get("until", inf), time.time())
    while _count(store, task, which, high) >= n:  # rows of a clock that is ahead
        low, high = high, high + max(1.0, abs(high))
    for _ in range(_HALVINGS):
        if _count(store, task, which, low) <= 2 * n:
            break
        middle = (low + high) / 2
        low, high = (middle, high) if _count(store, task, which, middle) >= n else (low, middle)
    return low


def _count(store: Store, task: str, which: Which, since: float) -> int:
    narrowed: Which = {**which, "since": since}
    return store.interactions.count(task, **narrowed)
