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
from collections.abc import Sequence
from concurrent.futures import Future

from homeostat.collect.record import Asked, shadow
from homeostat.collect.writer import Writer
from homeostat.llm.backend import Reply, Request
from homeostat.release.noted import note_race
from homeostat.serve.batch import Batcher, Raced
from homeostat.serve.faults import is_tried, note_fault
from homeostat.serve.routes import Pick, Routes
from homeostat.store import Store

_log = logging.getLogger(__name__)
RACE_EVERY = 4
"""Of so many copies one is a race: the version that has answered the user answers once more, and both are timed."""


class Copies:
    """Copies under way, and the counts of those that were."""

    def __init__(self, routes: Routes, batcher: Batcher, writer: Writer, store: Store) -> None:
        self._routes, self._batcher, self._writer, self._store = routes, batcher, writer, store
        self._changed = threading.Condition()
        self.counts: Counter[str] = Counter(open=0, stored=0, failed=0, turned_away=0)
        """Copies that are under way, are stored, failed, or were refused because too many waited."""
        self._asked = 0

    def ask(self, asked: Asked, pick: Pick) -> None:
        """Have the other version answer too, if the release that picked the first one wants that."""
        other = other_version(pick)
        if not other:
            return
        self._asked += 1
        versions = [other, pick.version] if self._asked % RACE_EVERY == 1 else [other]
        for version in versions:
            self._routes.hold(version)
        request, started = request_to(asked, other), time.perf_counter()
        alone = len(versions) == 1
        put = self._batcher
        reply = put.put_copy(request) if alone else put.put_race(request, pick.version)
        if reply is None:
            self._release(versions)
            self._count("turned_away")
            return
        self._count("open")
        reply.add_done_callback(lambda done: self._record(asked, pick, versions, done, started))

    def settle(self, timeout_s: float) -> bool:
        """Wait until none is under way; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self.counts["open"] == 0, timeout_s)

    def _release(self, versions: Sequence[str]) -> None:
        for version in versions:
            self._routes.done(version)

    def _record(
        self,
        asked: Asked,
        pick: Pick,
        versions: Sequence[str],
        reply: Future[Reply] | Future[Raced],
        started: float,
    ) -> None:
        self._release(versions)
        version = versions[0]
        if isinstance(failed := reply.exception(), Exception):
            note_fault(self._store, pick, version, asked.id, failed)
        try:
            said, took_ms = reply.result(), 1e3 * (time.perf_counter() - started)
            if isinstance(said, Raced):
                self._note(pick, asked.id, said)
                said = said.reply
            written = self._writer.put(shadow(asked, said, version=version, latency_ms=took_ms))
        except Exception as problem:  # nobody waits for a copy: it is counted, and the next request goes on
            _log.warning("a copy of %s was not answered by %s: %s", asked.id, version, problem)
            self._ended("failed")
        else:
            written.add_done_callback(lambda done: self._ended("failed" if done.exception() else "stored"))

    def _note(self, pick: Pick, interaction: str, raced: Raced) -> None:
        if pick.release is not None and raced.took_ms:
            note_race(self._store, pick.release, interaction, raced.took_ms)

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
        tags=asked.tags,
    )


def other_version(pick: Pick) -> str:
    """The version whose reply to the same request the release wants to see; empty if none."""
    release = pick.release
    if release is None or not is_tried(pick) or pick.instead:
        return ""
    others = {release.champion: release.candidate, release.candidate: release.champion}
    return others.get(pick.version, "")
