"""What a candidate is trained on by hand: a dataset that is there, or one curated from a labeled stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from homeostat.cli.labeled import exams, lessons
from homeostat.cli.project import chosen, told_until
from homeostat.collect.stream import Split, default_split, read_stream
from homeostat.config.schema import Train
from homeostat.curate.build import Curated, Inputs
from homeostat.curate.snapshot import as_lines, examples, gather, store_dataset
from homeostat.errors import EmptyStream, NotFound, NothingToTrainOn, UnknownLabel, UnsuitedModel
from homeostat.loop.making.learn import learnable
from homeostat.loop.making.learned import rows_of
from homeostat.loop.proving.examining import fence
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types import ids
from homeostat.types.dataset import Dataset, Example
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

ELSEWHERE = {
    "domain": ("learns windows of unlabeled text", "use `homeostat pretrain`"),
    "student": ("learns what a teacher says", "use `homeostat distill`"),
    "repair": (
        "mends a candidate that forgot, only in a turn that mends",
        "leave `train.mend` on, and it is tried when all others were refused; by hand use `careful` or `joint`",
    ),
}
"""Recipes that are not for training by hand: what each does, and where."""
Unnamed = Callable[[int, int], Split]
"""What row `index` of `n` is for, where a stream names no splits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Rows to learn from, and how they become a dataset of the store."""

    examples: Sequence[Example]
    labels: tuple[str, ...]
    keep: Callable[[], Dataset]
    """Store them, if they are not stored yet."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows left after each step of curating, where they were curated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A training that was asked for by hand."""

    task: Task
    recipe: Recipe
    parent: Version | None
    """The task's champion, where it has one."""
    material: Material


def wanted(
    shop: Workshop,
    task: str,
    recipe: str,
    source: str | Path,
    *,
    where: str = "TASK",
    without: Collection[str] = (),
    unnamed: Unnamed = default_split,
) -> Wanted:
    """What a command line asks for: the task (given at `where`), the recipe by its name, what to learn from, the rows
    that a head shall be rid of, by id or text, and what the rows of a stream are for that names no splits.

    Raises:
        UnsuitedModel: rows shall be taken out of something else than a head, or the recipe is none to train by hand.
        UnknownKey: there is no such task, or none was named and there are several or none.
        UnknownPlugin: there is no such recipe.
        UnknownLabel: the run would go on from a champion that knows labels which the rows' label set lacks.
        NotFound, EmptyStream, NothingToTrainOn: as `of_source` and `left_of`.
    """
    known = shop.config.task(chosen(shop.config, task, where=where))
    _require_by_hand(recipe, shop.config.train)
    how = named(recipe, shop.config.train, replay=shop.config.curate.replay, where="--recipe")
    champion = shop.store.aliases.get(known.name, "champion")
    parent = shop.store.versions.get(champion) if champion else None
    if without:
        material = left_of(shop, known, str(source) or (parent.dataset if parent else ""), how, without)
    else:
        material = of_source(shop, known, source, how, parent, unnamed)
    require_known_labels(material, how, parent)
    return Wanted(task=known, recipe=how, parent=parent, material=material)


def _require_by_hand(recipe: str, settings: Train) -> None:
    """Hold that the recipe learns from rows that have been told: some are made for one command, or one step of a turn.

    Raises:
        UnsuitedModel: it does not.
    """
    like = str(settings.recipes.get(recipe, {}).get("like", recipe))
    if like in ELSEWHERE:
        what, fix = ELSEWHERE[like]
        raise UnsuitedModel(f"recipe '{recipe}' {what}", where="--recipe", fix=fix)


def of_source(
    shop: Workshop,
    task: Task,
    source: str | Path,
    recipe: Recipe,
    parent: Version | None,
    unnamed: Unnamed = default_split,
) -> Material:
    """The rows of a dataset, where `source` is the id of one, of a stream, as any path is, or of the log, where it is
    empty.

    Raises:
        NotFound, EmptyStream, NothingToTrainOn: as `of_dataset`, `of_stream` and `of_log`.
    """
    if not source:
        return of_log(shop, task, recipe, parent)
    if isinstance(source, str) and source.startswith("dst_") and not Path(source).exists():
        return of_dataset(shop, task, source, recipe)
    return of_stream(shop, task, Path(source), recipe, parent, unnamed)


def of_dataset(shop: Workshop, task: Task, dataset: str, recipe: Recipe) -> Material:
    """The rows of a dataset that a recipe can learn.

    Raises:
        NotFound: there is no such dataset of this task.
    """
    known = shop.store.datasets.get(dataset)
    if known.task != task.name:
        raise NotFound(f"{dataset} is a dataset of task '{known.task}', not of '{task.name}'")
    rows = learnable(examples(shop.store, dataset), recipe)
    return Material(examples=rows, labels=known.labels, keep=lambda: known)


def left_of(shop: Workshop, task: Task, dataset: str, recipe: Recipe, without: Collection[str]) -> Material:
    """The rows of a dataset but for some, named by the ids of their interactions or by their texts.

    What is made of it remembers these rows alone, so that what was taken out does not come back.

    Raises:
        UnsuitedModel: the recipe makes no head, and from other versions nothing can be taken out.
        NotFound: there is no such dataset of this task, or it has none of these rows.
    """
    if not recipe.head:
        what = f"recipe '{recipe.name}' makes no head, and only from a head rows can be taken out"
        raise UnsuitedModel(what, fix="promote a head, or train another version from a dataset without them")
    known = shop.store.datasets.get(dataset)
    whole = of_dataset(shop, task, dataset, recipe)
    left = tuple(row for row in whole.examples if row.interaction not in without and row.text not in without)
    if len(left) == len(whole.examples):
        raise NotFound(f"{dataset or 'the task'} has none of these {len(without)} rows", fix="give ids or whole texts")

    def keep() -> Dataset:
        made = Curated(examples=left, counts={"before": len(whole.examples), "left": len(left)}, labels=known.labels)
        name = ids.derived("dst", "without", dataset, as_lines(left))
        kept = store_dataset(shop.store, made, task=task.name, turn=name, now=known.time)
        shop.store.lineage.link(kept.id, dataset, "leaves rows out of")
        return kept

    return Material(examples=left, labels=known.labels, keep=keep)


def of_stream(
    shop: Workshop,
    task: Task,
    file: Path,
    recipe: Recipe,
    parent: Version | None,
    unnamed: Unnamed = default_split,
) -> Material:
    """The rows of a stream that are not for testing, with what the log has been told, curated as in a turn: with all
    that is remembered where the run does not go on from the champion.

    Raises:
        EmptyStream: all of its rows are for testing.
        NothingToTrainOn: curating leaves none.
        UnsuitedModel: the recipe learns what was replied wrongly, and nobody replied to these rows.
    """
    if recipe.only_wrong:
        what = f"recipe '{recipe.name}' learns from replies that were wrong, and nobody has replied to a stream's rows"
        raise UnsuitedModel(what, where=str(file), fix="leave --stream out for what the log was told, or use `naive`")
    rows, _ = read_stream(file, unnamed=unnamed, needed=(), labeled=task.kind is Kind.LABEL)
    fenced = [*fence(shop, task.name), *(row.text for row in exams(rows, task))]
    imported = lessons(rows, task, Split.HISTORY, Split.LIVE)
    if not imported:
        raise EmptyStream(
            f"all {len(rows)} rows are for testing", where=str(file), fix="mark some with `split: history`"
        )
    until = told_until(shop.store, task.name) or max(example.time for example in imported)
    inputs = gather(shop.store, task, champion=parent, evaluation=fenced, until=until, imported=imported)
    found = _curated(shop, inputs, recipe, parent)
    if not found.examples:
        what = f"none of {len(imported)} rows is left to learn from"
        left = ", ".join(f"{step} {n}" for step, n in found.counts.items())
        fix = f"look at the knobs of `curate` and at the rows; left after each step: {left}"
        raise NothingToTrainOn(what, where=f"{file}, task {task.name}", fix=fix)
    return found


def of_log(shop: Workshop, task: Task, recipe: Recipe, parent: Version | None) -> Material:
    """What the log has been told: since the champion was trained where the run goes on from it, else all that it was
    ever told, with what the champion and its ancestors learned.

    Raises:
        NothingToTrainOn: there is nothing, or nothing new.
    """
    until = told_until(shop.store, task.name) or _learned_until(shop, parent)
    inputs = gather(shop.store, task, champion=parent, evaluation=fence(shop, task.name), until=until)
    found = _curated(shop, inputs, recipe, parent)
    if not found.examples:
        fix = "send feedback, or give --stream or --dataset"
        raise NothingToTrainOn("the log has been told nothing new to learn", where=f"task {task.name}", fix=fix)
    return found


def _learned_until(shop: Workshop, parent: Version | None) -> float:
    """The moment up to which a champion has learned what was told; 0 without one."""
    return shop.store.datasets.get(parent.dataset).time if parent and parent.dataset else 0.0


def goes_on(recipe: Recipe, parent: Version | None) -> bool:
    """Whether a run by this recipe would go on from a champion: one goes on from a head as a head alone."""
    return parent is not None and recipe.warm_start and recipe.head == (parent.kind == HEAD)


def _curated(shop: Workshop, inputs: Inputs, recipe: Recipe, parent: Version | None) -> Material:
    curated = rows_of(shop, inputs, recipe, afresh=not goes_on(recipe, parent))
    parents = (parent.dataset,) if parent and parent.dataset else ()

    def keep() -> Dataset:
        name = ids.derived("dst", as_lines(curated.examples))  # the same rows are the same dataset
        return store_dataset(shop.store, curated, task=inputs.task.name, turn=name, now=inputs.until, parents=parents)

    return Material(examples=curated.examples, labels=curated.labels, keep=keep, counts=curated.counts)


def require_known_labels(material: Material, recipe: Recipe, parent: Version | None) -> None:
    """Hold that nothing that the champion knows gets lost: label k of a version has code k for good, but for heads.

    Raises:
        UnknownLabel: the run goes on from a champion that knows labels which the rows' label set lacks.
    """
    if parent is None or not recipe.warm_start or recipe.head or material.labels[: len(parent.labels)] == parent.labels:
        return
    lost = [label for label in parent.labels if label not in material.labels]
    raise UnknownLabel(
        f"the dataset was made for other labels than those of the champion {parent.id}",
        where=f"it lacks {', '.join(lost[:3])}" if lost else "their order differs",
        fix="start from the bare base, for instance with --recipe joint, or take a newer dataset",
    )
