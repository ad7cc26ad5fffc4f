"""Who answers what, at this moment: the newest release row of every task, read again and again.

A version's weights are loaded before the first request is routed to it and freed after the last reply it owes, so a
release needs no restart and drops nothing. The versions of the row before stay loaded: the way back is as quick.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.errors import NotFound, NothingReleased
from homeostat.llm.backend import Backend
from homeostat.release.proven import swapped
from homeostat.release.route import in_force, route
from homeostat.release.signing import Signing
from homeostat.store import Store
from homeostat.types.release import Release
from homeostat.types.report import Base

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The version that answers one request, held in memory until `Routes.done` is called with it."""

    version: str
    probability: float
    release: Release | None
    """The row it was picked by; None for a version that the request itself named."""
    instead: str = ""
    """The candidate that failed, where the champion answers in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """The base that a process answers on."""

    base: str
    opened: Base | None = None
    """Which bytes it was opened from; None for those that lie at its place."""


class Routes:
    """The table of releases, kept fresh by a thread."""

    def __init__(
        self,
        backend: Backend,
        store: Store,
        tasks: Sequence[str],
        *,
        poll_s: float,
        signing: Signing,
        stands: Stands | None = None,
    ) -> None:
        """`stands` is what this process answers on; None where that is a server's, which is looked at by itself."""
        self._backend, self._store, self._signing, self._stands = backend, store, signing, stands
        self._tasks, self._poll_s = tuple(tasks), poll_s
        self._table: dict[str, Release] = {}
        self._before: dict[str, Release] = {}
        self._labels: dict[str, frozenset[str]] = {}
        self._in_flight: Counter[str] = Counter()
        self._ready: set[str] = set()
        self._lock = threading.Lock()
        """Held for moments, around the table and the counts."""
        self._loading = threading.Lock()
        """Held while weights are loaded or freed; always taken before `_lock`."""
        self.problems: dict[str, str] = {}
        """Why the newest release of a task is not in force, per task; empty when all are."""
        self.refresh()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="homeostat-routes", daemon=True)
        self._thread.start()

    def pick(self, task: str, episode: str) -> Pick:
        """The version that answers an episode of a task.

        Raises:
            NothingReleased: no version answers the task yet.
        """
        with self._lock:
            release = self._table.get(task)
            if release is not None:
                release = in_force(release, time.time())
                version, probability = route(release, episode)
                self._in_flight[version] += 1
                return Pick(version=version, probability=probability, release=release)
        raise NothingReleased(
            f"no version answers task '{task}' yet",
            fix=self.problems.get(task) or "train a first version and release it, e.g. with `homeostat demo`",
        )

    def pin(self, task: str, name: str) -> Pick:
        """The version of a task with this alias or id, loaded if it is not yet.

        Raises:
            NotFound: no such version of this task.
        """
        version = self._store.versions.get(self._store.aliases.get(task, name) or name)
        if version.task != task:
            raise NotFound(f"{version.id} is a version of task '{version.task}', not of '{task}'")
        with self._loading:
            self._load(version.id)
            with self._lock:
                self._in_flight[version.id] += 1
        return Pick(version=version.id, probability=1.0, release=None)

    def hold(self, version: str) -> None:
        """Keep a version of the table loaded until `done` is called with it."""
        with self._lock:
            self._in_flight[version] += 1

    def done(self, version: str) -> None:
        """One reply less is owed by this version."""
        with self._lock:
            self._in_flight[version] -= 1

    def current(self, task: str) -> Release | None:
        """The release in force."""
        return self._table.get(task)

    def labels(self, task: str) -> frozenset[str]:
        """What the champion of the release in force can reply with; empty for a task of text, and without a release."""
        return self._labels.get(task, frozenset())

    def refresh(self) -> None:
        """Look at the newest rows once: load what they name, put them in force, free what nobody needs."""
        for task in self._tasks:
            try:
                self._refresh(task)
            except Exception as problem:  # one task's bad release must not keep the others from being looked at
                if self.problems.get(task) != str(problem):
                    _log.error("the newest release of %s is not in force: %s", task, problem)
                self.problems[task] = str(problem)
        self._free()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.wait(self._poll_s):
            try:
                self.refresh()
            except Exception:  # a look that fails must not end all looking; what was in force stays in force
                _log.exception("could not look for releases")

    def _refresh(self, task: str) -> None:
        release = self._store.releases.current(task)
        before = self._table.get(task)
        if release is None or release == before:
            return
        with self._loading:
            for version in _named(release):
                self._load(version)
            labels = frozenset(self._store.versions.get(release.champion).labels)
            with self._lock:
                self._table[task], self._labels[task] = release, labels
                if before is not None:
                    self._before[task] = before
        self.problems.pop(task, None)

    def _load(self, version_id: str) -> None:
        """Load a version's weights; called with `_loading` held."""
        if version_id in self._ready:
            return
        version = self._store.versions.get(version_id)
        if self._stands and (other := swapped(self._store, version, self._stands.base, self._stands.opened)):
            raise other
        self._backend.load(version, self._signing.folder(self._store, version))
        with self._lock:
            self._ready.add(version_id)

    def _free(self) -> None:
        """Unload versions that no row in force or before it names and that owe no reply."""
        with self._loading:
            with self._lock:
                rows = [*self._table.values(), *self._before.values()]
                wanted = {version for row in rows for version in _named(row)}
                idle = [v for v in self._ready if v not in wanted and not self._in_flight[v]]
                self._ready.difference_update(idle)
                for version in idle:
                    del self._in_flight[version]
            for version in idle:
                self._backend.unload(version)


def _named(release: Release) -> list[str]:
    """Every version a row names, the champion first."""
    return [v for v in (release.champion, release.candidate, *release.shares) if v]
