"""What a candidate is trained on by hand: a dataset that is there, or one curated from a labeled stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.cli.labeled import exams, lessons
from homeostat.cli.project import chosen, told_until
from homeostat.collect.stream import Split, read_stream
from homeostat.curate.build import build
from homeostat.curate.snapshot import as_lines, examples, gather, store_dataset
from homeostat.errors import EmptyStream, NotFound, UnknownLabel
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types import ids
from homeostat.types.dataset import Dataset, Example
from homeostat.types.task import Task
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Rows to learn from, and how they become a dataset of the store."""

    examples: Sequence[Example]
    labels: tuple[str, ...]
    keep: Callable[[], Dataset]
    """Store them, if they are not stored yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A training that was asked for by hand."""

    task: Task
    recipe: Recipe
    parent: Version | None
    """The task's champion, where it has one."""
    material: Material


def wanted(shop: Workshop, task: str, recipe: str, source: str | Path, *, where: str = "TASK") -> Wanted:
    """What a command line asks for: the task (given at `where`), the recipe by its name, and what to learn from.

    Raises:
        UnknownKey: there is no such task, or none was named and there are several or none.
        UnknownPlugin: there is no such recipe.
        UnknownLabel: the run would go on from a champion that knows labels which the rows' label set lacks.
        NotFound, EmptyStream: as `of_source`.
    """
    known = shop.config.task(chosen(shop.config, task, where=where))
    how = named(recipe, shop.config.train, replay=shop.config.curate.replay, where="--recipe")
    champion = shop.store.aliases.get(known.name, "champion")
    parent = shop.store.versions.get(champion) if champion else None
    material = of_source(shop, known, source, how, parent)
    require_known_labels(material, how, parent)
    return Wanted(task=known, recipe=how, parent=parent, material=material)


def of_source(shop: Workshop, task: Task, source: str | Path, recipe: Recipe, parent: Version | None) -> Material:
    """The rows of a dataset, where `source` is the id of one, or of a stream, as any path is.

    Raises:
        NotFound, EmptyStream: as `of_dataset` and `of_stream`.
    """
    if isinstance(source, str) and source.startswith("dst_") and not Path(source).exists():
        return of_dataset(shop, task, source)
    return of_stream(shop, task, Path(source), recipe, parent)


def of_dataset(shop: Workshop, task: Task, dataset: str) -> Material:
    """The rows of a dataset.

    Raises:
        NotFound: there is no such dataset of this task.
    """
    known = shop.store.datasets.get(dataset)
    if known.task != task.name:
        raise NotFound(f"{dataset} is a dataset of task '{known.task}', not of '{task.name}'")
    return Material(examples=examples(shop.store, dataset), labels=known.labels, keep=lambda: known)


def of_stream(shop: Workshop, task: Task, file: Path, recipe: Recipe, parent: Version | None) -> Material:
    """The rows of a stream that are not for testing, with what the log has been told, curated as in a turn.

    Raises:
        EmptyStream: all of its rows are for testing.
    """
    rows, _ = read_stream(file, needed=())
    fence = [row.text for row in (*shop.suite(task.name), *exams(rows, task))]
    imported = lessons(rows, task, Split.HISTORY, Split.LIVE)
    if not imported:
        raise EmptyStream(
            f"all {len(rows)} rows are for testing", where=str(file), fix="mark some with `split: history`"
        )
    until = told_until(shop.store, task.name) or max(example.time for example in imported)
    inputs = gather(shop.store, task, champion=parent, evaluation=fence, until=until, imported=imported)
    curated = build(replace(inputs, recall=recipe.recalls), replace(shop.config.curate, replay=recipe.replay))
    parents = (parent.dataset,) if parent and parent.dataset else ()

    def keep() -> Dataset:
        name = ids.derived("dst", as_lines(curated.examples))  # the same rows are the same dataset
        return store_dataset(shop.store, curated, task=task.name, turn=name, now=until, parents=parents)

    return Material(examples=curated.examples, labels=curated.labels, keep=keep)


def require_known_labels(material: Material, recipe: Recipe, parent: Version | None) -> None:
    """Hold that nothing that the champion knows gets lost: label k of a version has code k for good.

    Raises:
        UnknownLabel: the run goes on from a champion that knows labels which the rows' label set lacks.
    """
    if parent is None or not recipe.warm_start or material.labels[: len(parent.labels)] == parent.labels:
        return
    lost = [label for label in parent.labels if label not in material.labels]
    raise UnknownLabel(
        f"the dataset was made for other labels than those of the champion {parent.id}",
        where=f"it lacks {', '.join(lost[:3])}" if lost else "their order differs",
        fix="start from the bare base, for instance with --recipe joint, or take a newer dataset",
    )
