"""Where a training may begin besides a champion and the bare base: at what was learned for something else.

That is the adapter of another version or a beginning in a folder (`train/few/beginning.py`), of which the layers are
taken and not the rows of labels, whose codes mean something else here; or the best one for the rows at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from homeostat.errors import NotFound, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.loop.making.ensemble import learned
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.run import Order, Start, render
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.train.transfer.nearest import Choice, Source, chosen, losses, readings
from homeostat.train.transfer.product import Adapter
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

NEAREST = "nearest"
"""The word for whichever helps most."""
ROWS = 128
"""Rows of the task, at most, that a probe asks about, and of a source that say what it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Where a training begins."""

    name: str
    """Id of a version, or a folder; empty where nothing was better than the bare base."""
    folder: Path | None
    """With its adapter; None for the bare base."""
    why: str
    choice: Choice | None = None
    """What was probed, where that was asked for."""


def borrowed(shop: Workshop, task: Task, rows: Sequence[Example], labels: tuple[str, ...], source: str) -> Borrowed:
    """What a training of these rows begins at: a version, a folder, or the nearest of the other tasks' champions.

    Raises:
        NotFound: there is neither a version nor a folder of that name.
        UnsuitedModel: it is no adapter of the project's base, or more than products of two matrices.
        UnsafeWeights, CorruptWeights, ModelNotFound: it cannot be read.
    """
    if source == NEAREST:
        return _nearest(shop, task, rows, labels)
    if Path(source).is_dir():
        folder = Path(source)
        Adapter.read(folder)
        return Borrowed(name=str(folder), folder=folder, why="it was asked for")
    if not source.startswith("ver_"):
        raise NotFound(f"no folder '{source}'", where="--from", fix="name a version, a folder, or `nearest`")
    version = shop.store.versions.get(source)
    if not _is_adapter(shop, version):
        what = (
            f"{version.id} is of kind {version.kind} on {version.base}, and an adapter of the project's base is needed"
        )
        raise UnsuitedModel(what, where="--from", fix="name a version that was trained with `lora`")
    return Borrowed(name=version.id, folder=_folder(shop, version), why="it was asked for")


def _nearest(shop: Workshop, task: Task, rows: Sequence[Example], labels: tuple[str, ...]) -> Borrowed:
    asked = _spread(rows)
    sources = dict(_sources(shop, task))
    with shop.loaded() as backend:
        target = backend.embed([Request(task=task, text=row.text, version="") for row in asked]).astype(np.float64)
    found = _probed(shop, task, asked, labels, target, sources)
    folder = sources[found.name].folder if found.name else None
    return Borrowed(name=found.name, folder=folder, why=found.why, choice=found)


def _probed(
    shop: Workshop,
    task: Task,
    rows: Sequence[Example],
    labels: tuple[str, ...],
    target: np.ndarray,
    sources: dict[str, Source],
) -> Choice:
    """The choice among sources: replies in words by what they lose, labels by how well the states tell them apart."""
    opened = open_model(shop.config.model.weights)
    samples = _samples(shop, task, rows, labels, opened.tokenizer)
    if task.kind is Kind.LABEL:
        told = [row.target for row in rows]
        return chosen(lambda adapter: readings(opened, samples, told, adapter), target, sources)
    ground = Ground(opened=opened, train=[])
    return chosen(lambda adapter: losses(ground, samples, adapter), target, sources)


def _samples(
    shop: Workshop, task: Task, rows: Sequence[Example], labels: tuple[str, ...], tokenizer: object
) -> list[Sample]:
    order = Order(
        task=task,
        start=Start(base=shop.config.model.weights),
        examples=rows,
        labels=labels,
        recipe=named("joint", shop.config.train),
        folder=Path(),
    )
    return render(order, Renderer(tokenizer), encode_labels(tokenizer, labels) if order.chooses else None)


def _sources(shop: Workshop, task: Task) -> Iterator[tuple[str, Source]]:
    """The champions of the other tasks that are adapters of the base, with what they are for as this task would read
    it.
    """
    for other in shop.config.tasks:
        alias = shop.store.aliases.get(other, "champion") if other != task.name else None
        version = shop.store.versions.get(alias) if alias else None
        texts = learned(shop, version)[:ROWS] if version is not None and _is_adapter(shop, version) else []
        if version is None or not texts or not _addable(folder := _folder(shop, version)):
            continue
        with shop.loaded() as backend:
            rows = backend.embed([Request(task=task, text=text, version="") for text in texts])
        yield version.id, Source(folder, rows.astype(np.float64).mean(0))


def _addable(folder: Path) -> bool:
    """Whether an adapter is products of two matrices and nothing else."""
    try:
        Adapter.read(folder)
    except UnsuitedModel:
        return False
    return True


def _is_adapter(shop: Workshop, version: Version) -> bool:
    return version.kind == "lora" and version.base == shop.config.model.weights


def _folder(shop: Workshop, version: Version) -> Path:
    folder = shop.signing.folder(shop.store, version)
    assert folder is not None, "an adapter has a folder"
    return folder


def _spread(rows: Sequence[Example]) -> list[Example]:
    """At most `ROWS` rows, evenly drawn from all."""
    return list(rows[:: max(1, -(-len(rows) // ROWS))])
