"""Who teaches, and which students have a teacher that was trained again since they learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from homeostat.llm.local import LocalBackend
from homeostat.llm.teacher import Loaded, Teacher
from homeostat.loop.making.ensemble import require_alike
from homeostat.loop.workshop import Workshop
from homeostat.store import Store
from homeostat.types.version import State, Version

_BAD = frozenset({State.REFUSED, State.WITHDRAWN})
_UNTRIED = frozenset({State.CANDIDATE, State.SHADOW, State.CANARY})
"""States of versions that have not answered everybody yet."""


@contextmanager
def versions_teaching(shop: Workshop, versions: Sequence[Version], how: str = "mean") -> Iterator[Teacher]:
    """Versions of the store as a teacher, until the block ends; several of them combined.

    Raises:
        NotReleasable, UnsuitedModel, UnknownLabel: several that cannot answer as one; see `require_alike`.
        UnknownPlugin: there is no such way to combine.
    """
    if len(versions) > 1:
        require_alike(shop, versions)
    with shop.loaded(*versions) as backend:
        yield Loaded(backend, versions, how=how)


def model_teaching(shop: Workshop, model: str, labels: Sequence[str]) -> Teacher:
    """A model in a folder, or of a hub name, that was never a version, as a teacher that replies with these labels.

    Raises:
        ModelNotFound, CorruptWeights, UnsafeWeights, UnsuitedModel: it cannot be opened.
    """
    backend = LocalBackend(model, threads=shop.config.model.threads, precision=shop.config.model.precision)
    version = Version(id=model, task="", time=0.0, base=model, kind="base", labels=tuple(labels))
    backend.load(version, None)
    return Loaded(backend, [version])


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A student, and whom its teachers have become."""

    student: Version
    teachers: tuple[str, ...]
    """The newest of each; its own where none was trained again."""

    @property
    def due(self) -> bool:
        """Whether a teacher was trained again since, so that there is more to learn."""
        return self.teachers != self.student.teachers


def students(store: Store, task: str = "") -> list[Taught]:
    """Students that no newer student goes on from, oldest first, with their teachers as they are now."""
    every = store.versions.list(task)
    gone_on = {one.parent for one in every if one.teachers and one.state not in _BAD}
    found = [one for one in every if one.teachers and one.id not in gone_on and one.state not in _BAD]
    return [Taught(student=one, teachers=tuple(newest(every, teacher) for teacher in one.teachers)) for one in found]


def newest(versions: Sequence[Version], teacher: str, *, untried: bool = False) -> str:
    """Whom a teacher has become: the newest version that goes on from it, over any number of steps, and was not refused
    or taken back; one that has not answered everybody counts only where the teacher has not either, or if `untried`
    ones do.
    """
    known = {one.id: one for one in versions}
    if teacher not in known:
        return teacher
    line = {teacher}
    for one in versions:  # oldest first, so a parent comes before its children
        if one.parent in line and not one.teachers and not one.broken:
            line.add(one.id)
    allowed = _BAD if untried or known[teacher].state in _UNTRIED else _BAD | _UNTRIED
    last = [one.id for one in versions if one.id in line and one.id != teacher and one.state not in allowed]
    return last[-1] if last else teacher
