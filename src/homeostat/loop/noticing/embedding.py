"""Reads rows with the vectors of the embedding backend that the configuration names, and makes what is missing.

The worker alone says which backend is in force (`settle`); pages and commands read what it has kept. Vectors of two
backends never meet: those of the one before are forgotten when another comes into force, and whoever measured with them
begins anew (`watching`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from homeostat.errors import NotFound
from homeostat.llm.embedding.embedder import SERVED, WHERE, Changed, NoVectors, Vectors, opened
from homeostat.llm.embedding.steady import Steady, packed, unpacked
from homeostat.store import Store
from homeostat.store.vectors import InForce
from homeostat.types.interaction import Interaction

_log = logging.getLogger(__name__)
EVERY_S = 3600.0
"""Seconds after which a backend is asked for all sentences again; one goes along with every batch besides."""
RETRY_S = 30.0
"""Seconds for which a backend that gave no vectors is left alone: requests wait, and labels do not."""
AWAY = "embedding:away"
"""Key of the state that says why there are no vectors, and since when; None while there are."""
CHANGED = "embedding changed"
"""Event of the subject `embedding`: which backend is in force, and which was before."""
SUBJECT = "embedding"


class Embedding:
    """The backend of a worker."""

    def __init__(self, store: Store, name: str) -> None:
        """`name` is that of the configuration. Nothing is opened before it is needed."""
        self.name, self._store = name, store
        self._steady: Steady | None = None
        self._looked = self._asked = -np.inf
        self._away: NoVectors | None = None

    def settle(self) -> str:
        """What rows are read with from now on: the backend, or nothing where it is the model that answers.

        Where it is another one than before, or the same name has begun to give other vectors, that is written down,
        and the vectors of the one before are forgotten.

        Raises:
            NoVectors: it cannot be asked now.
            BrokenPlugin, CorruptWeights, MissingExtra, ModelNotFound, UnsafeWeights, UnsuitedModel: it cannot be
                opened.
        """
        known = self._store.vectors.in_force
        if self.name == SERVED:
            if known is not None:
                self._enforce(None, known)
            if self._looked < 0 and self._store.state.get(AWAY):
                self._store.state.put(AWAY, None)
            self._looked = time.monotonic()
            return ""
        if self._away and time.monotonic() - self._asked < RETRY_S:
            raise self._away
        if self._steady is None:
            self._steady = Steady(opened(self.name), _prints(self._store, known))
        if time.monotonic() - self._looked > EVERY_S:
            with self._heeded():
                self._steady.look()
            self._looked = time.monotonic()
        backend = self._steady.backend
        if known is None or known.backend != backend:
            self._store.blobs.put_bytes(packed(self._steady.prints))
            self._enforce(backend, known)
        elif known.name != self.name:  # another place, and the same vectors
            self._store.vectors.enforce(replace(known, name=self.name))
        return backend

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """float32[texts, width] of texts that are no rows.

        Raises:
            NoVectors: it cannot be asked now, or gives others than it gave.
        """
        steady = self._settled()
        with self._heeded():
            return steady.embed(list(texts))

    def worn(self, rows: Sequence[Interaction]) -> list[Interaction]:
        """The rows with its vectors, which are made and kept where there are none yet; each text is asked for once.

        Raises:
            NoVectors: it cannot be asked now, or gives others than it gave; what was made before is kept.
        """
        backend = self._settled().backend
        found = self._store.vectors.of(backend, [row.id for row in rows])
        missing = [row for row in rows if row.id not in found]
        texts = list(dict.fromkeys(row.text for row in missing))
        made = dict(zip(texts, _each(self.vectors(texts)), strict=True)) if texts else {}
        new = {row.id: made[row.text] for row in missing}
        self._store.vectors.put(backend, new)
        return [replace(row, embedding=(found | new)[row.id]) for row in rows]

    @contextmanager
    def _heeded(self) -> Iterator[None]:
        """Write down when there are no vectors any more, and when there are again."""
        try:
            yield
        except Changed:
            self._looked = -np.inf
            raise
        except NoVectors as away:
            if self._away is None:
                _log.warning("requests wait for their embeddings: %s", away)
                known = self._store.state.get(AWAY)  # from before this worker, which may not be the first to wait
                since = known["since"] if known else time.time()
                self._store.state.put(AWAY, {"since": since, "what": away.what})
            self._looked, self._asked, self._away = -np.inf, time.monotonic(), away
            raise
        if self._away is not None or self._store.state.get(AWAY):
            self._away = None
            self._store.state.put(AWAY, None)

    def _settled(self) -> Steady:
        if self._steady is None:
            raise NoVectors("no embedding backend has been settled on", where=WHERE)
        return self._steady

    def _enforce(self, backend: str | None, known: InForce | None) -> None:
        before = known.name if known else SERVED
        now = None
        if backend is not None and self._steady is not None:
            now = InForce(backend=backend, name=self.name, width=self._steady.width, since=time.time(), before=before)
        self._store.vectors.enforce(now)
        self._store.events.append(SUBJECT, CHANGED, {"backend": backend or "", "name": self.name, "before": before})
        _log.warning("requests are embedded by %s, before by %s: normal is learned anew", self.name, before)


def embedded(name: str, rows: Sequence[Interaction], store: Store | None = None) -> list[Interaction]:
    """The rows with the vectors of a backend, those that are kept in a store among them; nothing is written down.

    Raises:
        NoVectors: it cannot be asked now, or gives others than it gave.
        BrokenPlugin, CorruptWeights, MissingExtra, ModelNotFound, UnsafeWeights, UnsuitedModel: it cannot be opened.
    """
    known = store.vectors.in_force if store else None
    steady = Steady(opened(name), _prints(store, known) if store else None)
    kept: dict[str, bytes] = {}
    if steady.look() and store and known:
        kept = store.vectors.of(known.backend, [row.id for row in rows])
    texts = list(dict.fromkeys(row.text for row in rows if row.id not in kept))
    made = dict(zip(texts, _each(steady.embed(texts)), strict=True))
    return [replace(row, embedding=kept[row.id] if row.id in kept else made[row.text]) for row in rows]


def _each(vectors: Vectors) -> list[bytes]:
    return [packed(vector) for vector in vectors]


def _prints(store: Store | None, known: InForce | None) -> Vectors | None:
    """What a backend in force has made of the sentences; None where that is not known any more."""
    if store is None or known is None:
        return None
    try:
        return unpacked(store.blobs.bytes(known.backend), known.width)
    except NotFound:
        return None
