"""Versions of a task asked together: what they say as one, and how they do on the task's test suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from homeostat.curate.snapshot import examples
from homeostat.errors import NothingToTrainOn, NotReleasable, UnknownLabel, UnsuitedModel
from homeostat.evaluate.ensemble import Sheet, sheet
from homeostat.llm.backend import Request
from homeostat.llm.combine import HOW, ROUTED, SLICE, Floats, Ints, Slices, assigned, disagreement, mean
from homeostat.llm.ensemble import Ensemble
from homeostat.llm.local import LocalBackend
from homeostat.llm.router import Router
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.dataset import Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

LEARNED = 1000
"""Rows of a version, at most, that say what it is for."""
LEAST = 20
"""Rows below which they do not say it."""
Route = Callable[[Sequence[Request]], Ints]


@contextmanager
def gathered(shop: Workshop, versions: Sequence[Version], how: str = "mean") -> Iterator[Ensemble]:
    """These versions as one, until the block ends.

    Raises:
        NotReleasable, UnsuitedModel, UnknownLabel: as `require_alike`.
        CorruptWeights, ModelNotFound, UnsafeWeights: one of them cannot be loaded.
        UnknownPlugin: there is no such way to combine.
        NothingToTrainOn: they are to be routed to, and of one it is not known what it is for.
    """
    require_alike(shop, versions)
    with shop.loaded(*versions) as backend:
        yield Ensemble(backend, versions, how=how, route=route(shop, backend, versions) if how == ROUTED else None)


def route(shop: Workshop, backend: LocalBackend, versions: Sequence[Version]) -> Route:
    """Who answers a request: the version that was trained for its like, or none (-1). Raises as `router_of`."""
    return routed(backend, router_of(shop, backend, versions), versions)


def router_of(shop: Workshop, backend: LocalBackend, versions: Sequence[Version]) -> Router:
    """What tells who was trained for a request's like, by the ids of versions.

    What a version is for is told by the new rows of its dataset; both they and requests are read by the bare base.

    Raises:
        NothingToTrainOn: a version has too few such rows.
    """
    texts = {version.id: learned(shop, version) for version in versions}
    for version, own in texts.items():
        if len(own) < LEAST:
            fix = "combine them otherwise, for instance with --how mean"
            raise NothingToTrainOn(f"{version} learned {len(own)} new rows, and {LEAST} say what it is for", fix=fix)
    return _fitted(backend, shop.config.task(versions[0].task), texts)


def routed(backend: LocalBackend, router: Router, versions: Sequence[Version]) -> Route:
    """Where a router sends requests, by the numbers of versions in their order."""
    numbers = {version.id: k for k, version in enumerate(versions)}

    def who(requests: Sequence[Request]) -> Ints:
        read = backend.embed([replace(request, version="") for request in requests])
        return np.array([numbers.get(one.name, -1) for one in router.chosen(read)], dtype=np.int64)

    return who


def _fitted(backend: LocalBackend, task: Task, texts: Mapping[str, Sequence[str]]) -> Router:
    return Router.fit({version: _read(backend, task, own) for version, own in texts.items()})


def learned(shop: Workshop, version: Version) -> list[str]:
    """New rows that a version was trained on, evenly drawn from all; none where its dataset is not known."""
    rows = examples(shop.store, version.dataset) if version.dataset else []
    texts = [row.text for row in rows if row.origin is Origin.NEW]
    return texts[:: max(1, -(-len(texts) // LEARNED))]


def _read(backend: LocalBackend, task: Task, texts: Sequence[str]) -> Floats:
    return backend.embed([Request(task=task, text=text, version="") for text in texts]).astype(np.float64)


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
    """How each version and each way to combine them does on test rows; routing where it is known what each is for.

    Raises as `gathered`.
    """
    task = shop.config.task(versions[0].task)
    requests = [Request(task=task, text=row.text, version="") for row in rows]
    require_alike(shop, versions)
    with shop.loaded(*versions) as backend:
        ensemble = Ensemble(backend, versions)
        each, labels = ensemble.each(requests), ensemble.labels
        texts = {version.id: learned(shop, version) for version in versions}
        known = all(len(own) >= LEAST for own in texts.values())
        who = routed(backend, _fitted(backend, task, texts), versions)(requests) if known else None
    target = np.array([labels.index(row.target) if row.target in labels else -1 for row in rows])
    combined = {name: way(each) for name, way in HOW.items()} | {SLICE: by_slice(each, target)}
    if who is not None:
        combined[ROUTED] = assigned(each, who)
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
