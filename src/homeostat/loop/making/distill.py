"""From a teacher to a smaller version: its answers to the requests of the log, labeled or not, are what is learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from homeostat.curate.build import Curated, Inputs, build
from homeostat.curate.snapshot import as_lines, examples, store_dataset
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.combine import UNKNOWN
from homeostat.llm.teacher import Answer, Teacher
from homeostat.loop.making.answers import Answers
from homeostat.loop.making.learn import Lesson, learn, version_id
from homeostat.loop.making.learned import made_at
from homeostat.loop.proving.examining import fence
from homeostat.loop.workshop import Workshop
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.follow import Follow
from homeostat.train.objectives.distill.told import Told
from homeostat.train.order.difficulty import asks_teacher
from homeostat.train.recipe import Recipe, plain
from homeostat.types import ids
from homeostat.types.dataset import Dataset, Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

Report = Callable[[dict[str, float]], None]
Asking = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A student to be."""

    task: Task
    base: str
    """What it stands on: a folder, a hub name or `builtin`."""
    teachers: tuple[str, ...]
    """As its version will name them."""
    recipe: Recipe
    parent: Version | None = None
    """The student before, which it goes on from."""
    learning: Report = lambda values: None
    asking: Asking = field(default=lambda done, of: None)


def material(shop: Workshop, task: Task) -> Curated:
    """Every request that a teacher may be asked, each once: those of the log, whatever was said of them, and those that
    versions of the task were trained on; cleaned, and nothing like the test suite. The targets are stand-ins.
    """
    kept = [one for dataset in shop.store.datasets.list(task.name) for one in examples(shop.store, dataset.id)]
    log = [
        Example(text=row.text, target="", task=task.name, interaction=row.id, time=row.time)
        for row in shop.store.interactions.list(task.name)
    ]
    rows = [
        replace(one, target=_STAND_IN, origin=Origin.NEW, weight=1.0, value=None)
        for one in {one.text: one for one in [*kept, *log]}.values()
    ]
    return build(
        Inputs(task=task, imported=rows, evaluation=fence(shop, task.name)), replace(shop.config.curate, replay=0.0)
    )


_STAND_IN = "?"
"""Target of a request until the teacher has said what it is."""


def distill(shop: Workshop, wish: Wish, teacher: Teacher) -> Version:
    """Have the teacher answer, train the student, and register it as a candidate. Interrupted, the same call goes on.

    Raises:
        NothingToTrainOn: there are no requests, or the teacher has given no answer that can be learned.
        NoTeacher: it does not answer.
        UnsuitedModel: the student's base cannot do the task, or the recipe makes an adapter for another base than the
            project's.
    """
    dataset = gathered(shop, wish, teacher)
    return learn(shop, lesson_of(shop, wish, teacher, dataset), wish.learning)


def gathered(shop: Workshop, wish: Wish, teacher: Teacher) -> Dataset:
    """What the teacher says to the requests of the log, as a dataset of the store. Raises as `distill`."""
    _require_servable(shop, wish)
    rows = material(shop, wish.task).examples
    if not rows:
        raise NothingToTrainOn("no requests to ask a teacher", where=f"task {wish.task.name}", fix="send traffic first")
    said = answers(shop, wish.task, teacher).ask([row.text for row in rows], wish.asking)
    labels = labels_of(wish, teacher)
    return _kept(shop, wish, answered(rows, said, labels), labels)


def answers(shop: Workshop, task: Task, teacher: Teacher) -> Answers:
    """What a teacher has said so far to requests of a task."""
    return Answers(Path(shop.config.folder) / "answers", teacher, task)


def labels_of(wish: Wish, teacher: Teacher) -> tuple[str, ...]:
    """The student's labels: those it had, in their order, then the teacher's others. None of a text task."""
    if wish.task.kind is not Kind.LABEL:
        return ()
    before = wish.parent.labels if wish.parent else ()
    return (*before, *(label for label in teacher.labels if label not in before))


def answered(rows: Sequence[Example], said: Mapping[str, Answer], labels: Sequence[str]) -> list[Example]:
    """The rows with the teacher's reply for a target; those without one that can be learned are left out."""
    found = [replace(row, target=said[row.text].text) for row in rows]
    return [row for row in found if row.target and (not labels or row.target in labels)]


def lesson_of(shop: Workshop, wish: Wish, teacher: Teacher, dataset: Dataset) -> Lesson:
    """What the student learns: the dataset, and beside it how likely the teacher found each of its labels."""
    rows = examples(shop.store, dataset.id)
    said = answers(shop, wish.task, teacher).ask([row.text for row in rows])
    told = chances(said, teacher.labels, dataset.labels)
    parent = wish.parent
    return Lesson(
        task=wish.task.name,
        dataset=dataset.id,
        recipe=replace(heeding(wish.recipe, told), warm_start=parent is not None),
        version=version_id(
            "distilled", dataset.id, wish.base, wish.teachers, parent.id if parent else "", plain(wish.recipe)
        ),
        parent=parent,
        time=made_at(shop, dataset, parent),
        base=wish.base,
        teachers=wish.teachers,
        at_hand=at_hand(shop, wish.task.name, wish.recipe, wish.teachers),
        told=told,
    )


def chances(
    said: Mapping[str, Answer], told_over: Sequence[str], labels: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """Text of a request -> the log-probability of each of the student's labels, where its teacher tells any.

    Args:
        said: what the teacher said to each text.
        told_over: the teacher's labels.
        labels: the student's.
    """
    places = [told_over.index(label) if label in told_over else -1 for label in labels]
    return {
        text: tuple(answer.chances[k] if k >= 0 else math.log(UNKNOWN) for k in places)
        for text, answer in said.items()
        if answer.chances and labels
    }


def heeding(recipe: Recipe, told: Mapping[str, tuple[float, ...]]) -> Recipe:
    """The recipe, learning from the replies alone where the teacher does not tell how likely each label is."""
    return replace(recipe, objective=Completion()) if isinstance(recipe.objective, Told) and not told else recipe


def at_hand(shop: Workshop, task: str, recipe: Recipe, teachers: Sequence[str]) -> Version | None:
    """The teacher itself, for a recipe that asks it while the student learns: one version of the store."""
    asked = isinstance(recipe.objective, Follow) or asks_teacher(recipe.order)
    if not asked or len(teachers) != 1:
        return None
    return next((one for one in shop.store.versions.list(task) if one.id == teachers[0]), None)


def _require_servable(shop: Workshop, wish: Wish) -> None:
    """Hold that the student could answer beside the others: adapters share the project's base.

    Raises:
        UnsuitedModel: the recipe makes an adapter, and the base is another.
    """
    if wish.recipe.adapt.kind == "lora" and wish.base != shop.config.model.weights:
        raise UnsuitedModel(
            f"recipe '{wish.recipe.name}' makes an adapter, and only those on the project's base are served",
            where=wish.base,
            fix="train all weights (`adapt: full`), or give the project's own base",
        )


def _kept(shop: Workshop, wish: Wish, rows: Sequence[Example], labels: tuple[str, ...]) -> Dataset:
    made = Curated(examples=tuple(rows), counts={"answered": len(rows)}, labels=labels)
    name = ids.derived("dst", as_lines(rows), labels)
    now = max((row.time for row in rows), default=0.0)
    return store_dataset(shop.store, made, task=wish.task.name, turn=name, now=now)
