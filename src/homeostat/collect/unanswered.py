"""Requests that got no reply, counted in stretches of five minutes: those turned away unasked leave no row.

The counts lie beside the log as a state, which every gateway of a project adds to. What is kept is bounded, and so is
the work: however many requests fail in a second, they are written down together, after it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.store import Store

KEY = "unanswered"
"""Of the state."""
STEP_S = 300.0
KEPT = 2_000
"""Entries that are kept, the newest."""
_WAIT_S = 1.0
_log = logging.getLogger(__name__)

_Counts = Mapping[tuple[float, str, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Requests of a stretch of time that ended with the same HTTP status, and no reply."""

    start: float
    task: str
    """Empty where it is not known: the body was not read, or names no task that there is."""
    status: int
    n: int

    @property
    def fault(self) -> bool:
        """Whether we are to blame, and not the request."""
        return self.status >= 500


class Unanswered:
    """Counts for one gateway, and writes them down about a second after the first that is not."""

    def __init__(self, store: Store, tasks: frozenset[str]) -> None:
        self._store, self._tasks = store, tasks
        self._counts: Counter[tuple[float, str, int]] = Counter()
        self._lock = threading.Lock()
        self._due = False

    def note(self, task: str, status: int) -> None:
        """Count a request. Never raises and never waits for the store."""
        start = time.time() // STEP_S * STEP_S
        with self._lock:
            self._counts[start, task if task in self._tasks else "", status] += 1
            if self._due:
                return
            self._due = True
        timer = threading.Timer(_WAIT_S, self.write)
        timer.daemon = True
        timer.start()

    def write(self) -> None:
        """Add what was counted to the state. Where the store is out of reach it is lost: that may be why it failed."""
        with self._lock:
            counts, self._counts, self._due = self._counts, Counter(), False
        if not counts:
            return
        try:
            self._store.state.change(KEY, lambda kept: _joined(kept, counts))
        except Exception as problem:
            _log.warning("requests without a reply that were not written down: %d: %s", counts.total(), problem)


def unanswered(store: Store, task: str = "") -> list[Refused]:
    """What is known, oldest first; of a task, or of all. What is of no task is counted for each."""
    kept = store.state.get(KEY) or []
    rows = [Refused(start=float(start), task=name, status=int(status), n=int(n)) for start, name, status, n in kept]
    return [row for row in rows if not task or row.task in ("", task)]


def _joined(kept: Any, counts: _Counts) -> list[list[Any]]:
    found = Counter({(float(start), str(task), int(status)): int(n) for start, task, status, n in kept or []})
    found.update(counts)
    return [[*key, n] for key, n in sorted(found.items())][-KEPT:]
