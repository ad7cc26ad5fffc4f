"""Versions of a task asked together: what they say as one, and how they do on the task's test suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from homeostat.errors import NotReleasable, UnknownLabel, UnsuitedModel
from homeostat.evaluate.ensemble import Sheet, sheet
from homeostat.llm.backend import Request
from homeostat.llm.combine import HOW, SLICE, Floats, Ints, Slices, disagreement, mean
from homeostat.llm.ensemble import Ensemble
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.task import Kind
from homeostat.types.version import Version


@contextmanager
def gathered(shop: Workshop, versions: Sequence[Version], how: str = "mean") -> Iterator[Ensemble]:
    """These versions as one, until the block ends.

    Raises:
        NotReleasable, UnsuitedModel, UnknownLabel: as `require_alike`.
        CorruptWeights, ModelNotFound, UnsafeWeights: one of them cannot be loaded.
        UnknownPlugin: there is no such way to combine.
    """
    require_alike(shop, versions)
    with shop.loaded(*versions) as backend:
        yield Ensemble(backend, versions, how=how)


def require_alike(shop: Workshop, versions: Sequence[Version]) -> None:
    """Hold that versions can answer as one.

    Raises:
        NotReleasable: they belong to different tasks.
        UnsuitedModel: their task writes texts.
        UnknownLabel: one of them knows no labels.
    """
    first = versions[0]
    if shop.config.task(first.task).kind is not Kind.LABEL:
        raise UnsuitedModel(f"task '{first.task}' writes texts, and an ensemble replies with labels", fix="ask one")
    for version in versions:
        if version.task != first.task:
            raise NotReleasable(f"{version.id} is a version of task '{version.task}', not of '{first.task}'")
        if not version.labels:
            raise UnknownLabel(f"{version.id} knows no labels", fix="leave it out")


def measured(shop: Workshop, versions: Sequence[Version], rows: Sequence[Exam]) -> Sheet:
    """How each version and each way to combine them does on test rows. Raises as `gathered`."""
    task = shop.config.task(versions[0].task)
    with gathered(shop, versions) as ensemble:
        each = ensemble.each([Request(task=task, text=row.text, version="") for row in rows])
        labels = ensemble.labels
    target = np.array([labels.index(row.target) if row.target in labels else -1 for row in rows])
    combined = {name: way(each) for name, way in HOW.items()} | {SLICE: by_slice(each, target)}
    return sheet(each, tuple(version.id for version in versions), combined, disagreement(each), target)


def by_slice(each: Floats, target: Ints) -> Floats:
    """float[rows, labels]: each half of the rows answered by the members that are best for its slices on the other
    half, so that no row has a say in who answers it. A slice is what the members' mean would reply.
    """
    slices = [str(k) for k in mean(each).argmax(axis=1)]
    right = np.asarray(each.argmax(axis=2) == target, dtype=np.float64)
    out = np.array(each[0])
    for half in (0, 1):
        here, there = np.arange(half, len(target), 2), np.arange(1 - half, len(target), 2)
        if not len(here) or not len(there):
            continue
        chosen = Slices.measure([slices[k] for k in there], right[:, there])
        out[here] = chosen.choose(each[:, here], [slices[k] for k in here])
    return out
