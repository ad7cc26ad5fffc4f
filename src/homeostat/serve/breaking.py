"""Commits the faults of versions that are broken on purpose, and leaves all others alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from homeostat.llm.backend import Backend, Reply, Request
from homeostat.release.breaking import BIASED, DELAY_S, ERRORING, SLOW, Fault, fault_of
from homeostat.types.task import Kind
from homeostat.types.version import Version


class BrokenOnPurpose(RuntimeError):
    """What an erroring version answers with."""


class Breaking:
    """A backend that serves versions with a fault as such."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._faults: dict[str, tuple[Fault, tuple[str, ...]]] = {}
        """Version -> its fault and its labels."""

    @property
    def concurrent(self) -> bool:
        """As the backend is."""
        return self._backend.concurrent

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """As the backend does, but for what befalls the requests.

        Raises:
            BrokenOnPurpose: an erroring version is asked.
        """
        befallen = {k: kind for k, request in enumerate(requests) if (kind := self._befalling(request))}
        if ERRORING in befallen.values():
            raise BrokenOnPurpose("this version was broken on purpose, for a drill")
        replies = self._backend.reply(requests)
        if SLOW in befallen.values():
            time.sleep(DELAY_S)
        return [self._wronged(requests[k], reply) if k in befallen else reply for k, reply in enumerate(replies)]

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """As the backend does."""
        return self._backend.score(requests)

    def load(self, version: Version, folder: Path | None) -> None:
        """As the backend does."""
        self._backend.load(version, folder)
        if fault := fault_of(version):
            self._faults[version.id] = (fault, version.labels)

    def unload(self, version: str) -> None:
        """As the backend does."""
        self._faults.pop(version, None)
        self._backend.unload(version)

    def loaded(self) -> tuple[str, ...]:
        """As the backend does."""
        return self._backend.loaded()

    def _befalling(self, request: Request) -> str:
        """The kind of fault that befalls a request; empty for none."""
        fault, _ = self._faults.get(request.version, (None, ()))
        befalls = fault is not None and fault.befalls(request.version, request.text, request.tags)
        return fault.kind if fault is not None and befalls else ""

    def _wronged(self, request: Request, reply: Reply) -> Reply:
        """Another label than was found, or the first word of what was written; of a slow version the reply itself."""
        fault, labels = self._faults[request.version]
        if fault.kind != BIASED:
            return reply
        if request.task.kind is Kind.LABEL and reply.text in labels:
            return replace(reply, text=labels[(labels.index(reply.text) + 1) % len(labels)])
        return replace(reply, text=reply.text.split(" ")[0])
