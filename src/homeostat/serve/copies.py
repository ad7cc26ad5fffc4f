"""Asks the other version of a running release the same question, when nobody waits for the model.

Whichever of the two answered the user, the other gets a copy: every request of a running release is a pair. Nobody
sees these replies; a release is judged by them, and by those that a version failed to give. A copy that cannot be made
is counted and never troubles the request it was made from.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Future

from homeostat.collect.record import Asked, shadow
from homeostat.collect.writer import Writer
from homeostat.llm.backend import Reply, Request
from homeostat.serve.batch import Batcher
from homeostat.serve.faults import TRIED, note_fault
from homeostat.serve.routes import Pick, Routes
from homeostat.store import Store

_log = logging.getLogger(__name__)


class Copies:
    """Copies under way, and the counts of those that were."""

    def __init__(self, routes: Routes, batcher: Batcher, writer: Writer, store: Store) -> None:
        self._routes, self._batcher, self._writer, self._store = routes, batcher, writer, store
        self._changed = threading.Condition()
        self.counts: Counter[str] = Counter(open=0, stored=0, failed=0, turned_away=0)
        """Copies that are under way, are stored, failed, or were refused because too many waited."""

    def ask(self, asked: Asked, pick: Pick) -> None:
        """Have the other version answer too, if the release that picked the first one wants that."""
        other = other_version(pick)
        if not other:
            return
        self._routes.hold(other)
        started = time.perf_counter()
        reply = self._batcher.put_copy(request_to(asked, other))
        if reply is None:
            self._routes.done(other)
            self._count("turned_away")
            return
        self._count("open")
        reply.add_done_callback(lambda done: self._record(asked, pick, other, done, started))

    def settle(self, timeout_s: float) -> bool:
        """Wait until none is under way; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self.counts["open"] == 0, timeout_s)

    def _record(self, asked: Asked, pick: Pick, version: str, reply: Future[Reply], started: float) -> None:
        self._routes.done(version)
        if isinstance(failed := reply.exception(), Exception):
            note_fault(self._store, pick, version, asked.id, failed)
        try:
            took_ms = 1e3 * (time.perf_counter() - started)
            written = self._writer.put(shadow(asked, reply.result(), version=version, latency_ms=took_ms))
        except Exception as problem:  # nobody waits for a copy: it is counted, and the next request goes on
            _log.warning("a copy of %s was not answered by %s: %s", asked.id, version, problem)
            self._ended("failed")
        else:
            written.add_done_callback(lambda done: self._ended("failed" if done.exception() else "stored"))

    def _ended(self, how: str) -> None:
        self._count(how, opened=-1)

    def _count(self, what: str, *, opened: int = 0) -> None:
        with self._changed:
            self.counts[what] += 1
            self.counts["open"] += opened
            self._changed.notify_all()


def request_to(asked: Asked, version: str) -> Request:
    """The request that puts a question to one version."""
    return Request(
        task=asked.task,
        text=asked.text,
        version=version,
        history=asked.history,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
    )


def other_version(pick: Pick) -> str:
    """The version whose reply to the same request the release wants to see; empty if none."""
    release = pick.release
    if release is None or not release.candidate:
        return ""
    if release.stage not in TRIED:
        return ""
    others = {release.champion: release.candidate, release.candidate: release.champion}
    return others.get(pick.version, "")
