"""Writes rows in batches from one thread: whoever waits for a row's future knows that it is on disk.

The queue is bounded. When the store cannot keep up, `put` waits: nothing is dropped and memory does not grow. Rows are
stored once each, because the store takes them by id.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from homeostat.errors import StoreFull, StoreUnreachable
from homeostat.store import Store
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction

Row = Interaction | Feedback

BATCH_ROWS = 512
"""Most rows in one transaction."""
QUEUE_ROWS = 8192
"""Rows that may wait before `put` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What has become of the rows so far; `accepted` is `stored` + `failed` + those still waiting."""

    accepted: int
    stored: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: Row | None
    """None for a mark: done when all before it is."""
    done: Future[None]


class Writer:
    """The one thread of this process that writes interactions and feedback."""

    def __init__(self, store: Store, *, queue_rows: int = QUEUE_ROWS) -> None:
        self._store = store
        self._queue: queue.Queue[_Waiting] = queue.Queue(queue_rows)
        self._door = threading.Lock()
        self._closed = False
        self._accepted = self._stored = self._failed = 0
        self._thread = threading.Thread(target=self._run, name="homeostat-writer", daemon=True)
        self._thread.start()

    def put(self, row: Row) -> Future[None]:
        """Take a row; the future is done when it is durable, or holds the store's error if it could not be written.

        Raises:
            RuntimeError: the writer is closed.
        """
        with self._door:
            if self._closed:
                raise RuntimeError("the writer is closed")
            self._accepted += 1
            return self._enqueue(row)

    def flush(self) -> None:
        """Wait until every row accepted before this call is durable or has failed."""
        with self._door:
            mark = None if self._closed else self._enqueue(None)
        if mark is not None:
            mark.result()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Write what waits, then stop; a second call does nothing."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._enqueue(None)
        self._thread.join()

    @property
    def counts(self) -> Counts:
        """Rows accepted, stored and failed until now."""
        return Counts(accepted=self._accepted, stored=self._stored, failed=self._failed)

    def _enqueue(self, row: Row | None) -> Future[None]:
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # from here on nobody can cancel it: a taken row will be written
        self._queue.put(_Waiting(row, done))
        return done

    def _run(self) -> None:
        while not (self._closed and self._queue.empty()):
            batch = [self._queue.get()]
            while len(batch) < BATCH_ROWS and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            self._write([item for item in batch if item.row is not None])
            for mark in batch:
                if mark.row is None:
                    mark.done.set_result(None)

    def _write(self, batch: Sequence[_Waiting]) -> None:
        """One transaction for all; if that fails, one each, so that a bad row takes no other with it."""
        try:
            self._add([item.row for item in batch])
        except (StoreFull, StoreUnreachable) as problem:
            self._fail(batch, problem)
        except Exception as problem:  # whatever it is has to reach those who wait, and this thread has to live on
            if len(batch) == 1:
                self._fail(batch, problem)
            else:
                for item in batch:
                    self._write([item])
        else:
            self._stored += len(batch)
            for item in batch:
                item.done.set_result(None)

    def _fail(self, batch: Sequence[_Waiting], problem: Exception) -> None:
        self._failed += len(batch)
        for item in batch:
            item.done.set_exception(problem)

    def _add(self, rows: Sequence[Row | None]) -> None:
        """Interactions before the feedback on them."""
        if interactions := [row for row in rows if isinstance(row, Interaction)]:
            self._store.interactions.add(interactions)
        if feedback := [row for row in rows if isinstance(row, Feedback)]:
            self._store.feedback.add(feedback)
