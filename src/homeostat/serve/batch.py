"""Gathers requests into batches for a backend, in one thread: many callers, one forward pass.

For a backend that gathers its batches itself there are as many threads as requests may be under way, each with one.

A lone caller never waits for company: requests gather while the batch before them is computed, and only when several
callers are at it does the thread linger a moment, because those it has just answered are about to come back.

Copies for a release are answered when nobody waits; under load without a pause they get a tenth of the time, a few
rows at once, so that a release moves on whatever the traffic.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from homeostat.llm.backend import Backend, Reply, Request

LINGER_S = 0.002
"""Longest wait for more rows."""
QUIET_S = 0.005
"""Time without a request after which copies are answered."""
COPY_SHARE = 0.1
"""Share of the model's time that copies get while requests keep coming."""
COPY_CREDIT_S = 0.05
"""Time that must have been saved up for copies before one batch of them may go before a request."""
COPY_LANES = 2
"""Of so many threads one may answer copies, where there are several: a version that hangs takes no more."""
COPY_ROWS = 4
"""Most copies in one batch: what a request that comes meanwhile has to wait for."""
MOST_COPIES = 10_000
"""Copies that may wait; further ones are turned away."""


class GivenUp(RuntimeError):
    """Nobody will answer this copy: the batcher was closed."""


@dataclass(frozen=True, slots=True)
class Raced:
    """A reply, and how long it took beside the same request put to another version."""

    reply: Reply
    took_ms: Mapping[str, float]
    """Version -> milliseconds, each alone in a pass of its own; empty where the other version failed."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    reply: Future[Reply] = field(default_factory=Future)
    against: str = ""
    """Version that is put to the same request, for a race."""
    raced: Future[Raced] = field(default_factory=Future)


class Batcher:
    """The threads of this process that ask the backend for replies: one, or `lanes`."""

    def __init__(self, backend: Backend, *, rows: int, lanes: int = 1) -> None:
        self._backend = backend
        self._rows, self._lanes = rows, lanes
        self._copying = 0
        """Threads that answer copies."""
        self._changed = threading.Condition()
        self._requests: deque[_Waiting] = deque()
        self._copies: deque[_Waiting] = deque()
        self._closed = False
        self._expected = 1
        """Rows the next batch may have: those that waited when the last one was done, and its callers come again."""
        self._last_request = 0.0
        self._credit_s = 0.0
        """Time that copies may take although requests keep coming."""
        names = [f"homeostat-batcher-{k}" for k in range(lanes)]
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def put(self, request: Request) -> Future[Reply]:
        """Ask for a reply that somebody waits for.

        Raises:
            RuntimeError: the batcher is closed.
        """
        return self._enqueue(_Waiting(request), self._requests).reply

    def put_copy(self, request: Request) -> Future[Reply] | None:
        """Ask for a reply that nobody waits for; None if too many wait already or the batcher is closed."""
        with self._changed:
            if self._closed or len(self._copies) >= MOST_COPIES:
                return None
            return self._enqueue(_Waiting(request), self._copies).reply

    def put_race(self, request: Request, against: str) -> Future[Raced] | None:
        """The same, and how long it takes beside another version's reply to the same request: one right after the
        other in random order, each alone, so that whatever else slows the machine slows both alike.
        """
        with self._changed:
            if self._closed or len(self._copies) >= MOST_COPIES:
                return None
            return self._enqueue(_Waiting(request, against=against), self._copies).raced

    @property
    def alive(self) -> bool:
        """Whether every thread still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Answer the requests that wait, cancel the copies, then stop."""
        with self._changed:
            self._closed = True
            copies = list(self._copies)
            self._copies.clear()
            self._changed.notify_all()
        for copy in copies:
            (copy.raced if copy.against else copy.reply).set_exception(GivenUp("closed before this copy was answered"))
        for thread in self._threads:
            thread.join()

    def _enqueue(self, item: _Waiting, line: deque[_Waiting]) -> _Waiting:
        for future in (item.reply, item.raced):
            future.set_running_or_notify_cancel()  # an impatient caller must not cancel what others wait for too
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            line.append(item)
            self._changed.notify()
        return item

    def _run(self) -> None:
        while True:
            with self._changed:
                batch, copies = self._next()
                self._copying += copies
            if not batch:
                return
            started = time.perf_counter()
            self._answer(batch)
            with self._changed:
                self._settle(len(batch), copies, time.perf_counter() - started)

    def _settle(self, rows: int, copies: bool, took_s: float) -> None:
        """Book the time a batch took. Called with the lock held."""
        if copies:
            self._copying -= 1
            if self._lanes > 1:
                self._changed.notify()
            self._credit_s = max(-1.0, self._credit_s - took_s)
            return
        self._credit_s = min(1.0, self._credit_s + COPY_SHARE * took_s)
        self._expected, self._last_request = rows + len(self._requests), time.perf_counter()

    def _next(self) -> tuple[list[_Waiting], bool]:
        """The next batch and whether it is of copies; empty when closed and done. Called with the lock held."""
        while True:
            if self._copies and self._copies_may_run():
                return self._take(self._copies, COPY_ROWS), True
            if self._requests:
                self._linger()
                return self._take(self._requests, self._rows), False
            if self._closed:
                return [], False
            self._changed.wait(timeout=QUIET_S if self._copies and self._lanes == 1 else None)

    def _copies_may_run(self) -> bool:
        if self._lanes > 1:  # nothing is taken from requests by what another thread waits for
            return not self._requests and self._copying < max(1, self._lanes // COPY_LANES)
        if self._requests:
            return self._credit_s >= COPY_CREDIT_S
        return time.perf_counter() - self._last_request >= QUIET_S

    def _linger(self) -> None:
        """Wait a moment for the rows that are expected."""
        until = time.perf_counter() + LINGER_S
        while len(self._requests) < min(self._rows, self._expected) and not self._closed:
            left = until - time.perf_counter()
            if left <= 0:
                return
            self._changed.wait(left)

    @staticmethod
    def _take(line: deque[_Waiting], rows: int) -> list[_Waiting]:
        """The first rows of a line, up to the next race; a race alone."""
        taken = [line.popleft()]
        while line and len(taken) < rows and not taken[0].against and not line[0].against:
            taken.append(line.popleft())
        return taken

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        """One call for all; if that fails, one each, so that a bad request takes no other with it."""
        if batch[0].against:
            self._race(batch[0])
            return
        try:
            replies = self._backend.reply([item.request for item in batch])
            if len(replies) != len(batch):
                raise RuntimeError(f"the backend gave {len(replies)} replies to {len(batch)} requests")
        except Exception as problem:  # whatever it is has to reach the callers, and this thread has to live on
            if len(batch) == 1:
                batch[0].reply.set_exception(problem)
                return
            for item in batch:
                self._answer([item])
        else:
            for item, reply in zip(batch, replies, strict=True):
                item.reply.set_result(reply)

    def _race(self, item: _Waiting) -> None:
        """Put one request to two versions, one after the other."""
        took_ms: dict[str, float] = {}
        own: Reply | None = None
        versions = [item.request.version, item.against]
        random.shuffle(versions)
        for version in versions:
            started = time.perf_counter()
            try:
                (reply,) = self._backend.reply([replace(item.request, version=version)])
            except Exception as problem:  # as above; of the other version it is not known how long it takes
                if version == item.request.version:
                    item.raced.set_exception(problem)
                    return
                continue
            took_ms[version] = 1e3 * (time.perf_counter() - started)
            own = reply if version == item.request.version else own
        assert own is not None
        item.raced.set_result(Raced(own, took_ms if len(took_ms) == len(versions) else {}))
