"""Whoever can be learned from: versions that are loaded here, alone or together, and models elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from homeostat.llm.backend import Request
from homeostat.llm.ensemble import Ensemble
from homeostat.llm.local import LocalBackend
from homeostat.types.task import Kind
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a teacher said to a request."""

    text: str
    """A label, or a reply in words; empty where it gave none that can be learned."""
    chances: tuple[float, ...] = ()
    """Log-probability of each of the teacher's labels, where it tells."""


class Teacher(Protocol):
    """Something that answers requests so that others may learn."""

    @property
    def name(self) -> str:
        """The same for the same teacher: what it says is kept under it."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What `Answer.chances` are over; empty for texts."""

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request, in order.

        Raises:
            NoTeacher: it cannot be reached, or says nothing of use.
        """
        ...


class Loaded:
    """Versions that a backend has loaded: of a label task any number, combined; of a text task one."""

    def __init__(self, backend: LocalBackend, versions: Sequence[Version], *, how: str = "mean") -> None:
        """Raises UnknownPlugin: there is no such way to combine."""
        self._backend, self._versions = backend, tuple(versions)
        self._ensemble = Ensemble(backend, versions, how=how)
        together = f" {how}" if len(self._versions) > 1 else ""
        self.name, self.labels = " ".join(version.id for version in versions) + together, self._ensemble.labels

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request, with all labels' chances; in words by the first version."""
        if any(request.task.kind is not Kind.LABEL for request in requests):
            asked = [replace(request, version=self._versions[0].id) for request in requests]
            return [Answer(text=reply.text) for reply in self._backend.reply(asked)]
        said = self._ensemble.combined(requests, self._ensemble.each(requests)) if requests else np.zeros((0, 0))
        return [
            Answer(text=self.labels[int(row.argmax())], chances=tuple(round(float(v), 6) for v in row)) for row in said
        ]
