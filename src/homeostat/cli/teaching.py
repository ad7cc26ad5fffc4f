"""What `distill` and `students` have in common: who teaches, what would be asked, and how it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from homeostat.errors import NothingReleased
from homeostat.llm.remote import Remote
from homeostat.llm.teacher import Teacher
from homeostat.loop.making.distill import Wish, answers, distill, material
from homeostat.loop.making.students import model_teaching, versions_teaching
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import Recipe
from homeostat.types.task import Task
from homeostat.types.version import Version

KEY = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says."""

    task: Task
    teachers: tuple[str, ...]
    """Versions, the folder of a model, or `URL#MODEL`; empty for the champion."""
    base: str
    recipe: Recipe
    parent: Version | None = None
    """The student to go on from."""


@contextmanager
def teaching(shop: Workshop, given: Given) -> Iterator[tuple[Teacher, tuple[str, ...]]]:
    """The teacher, and how the student's version will name it.

    Raises:
        NothingReleased: none was named, and no version answers the task.
        NotFound: there is no such version.
        CorruptWeights, ModelNotFound, UnsafeWeights: it cannot be loaded.
    """
    names = given.teachers or (shop.champion(given.task.name).id,)
    url, _, model = names[0].partition("#")
    if url.startswith(("http://", "https://")):
        labels = labels_of_answers(shop, given.task)
        with closing(Remote(url, model, labels, key=os.environ.get(KEY, ""))) as remote:
            yield remote, names
    elif len(names) == 1 and not names[0].startswith("ver_"):
        yield model_teaching(shop, names[0], labels_of_answers(shop, given.task)), names
    else:
        with versions_teaching(shop, [shop.store.versions.get(name) for name in names]) as teacher:
            yield teacher, names


def labels_of_answers(shop: Workshop, task: Task) -> tuple[str, ...]:
    """What a model that was never a version may reply: the champion's labels, or those of the configuration."""
    try:
        return shop.champion(task.name).labels
    except NothingReleased:
        return task.labels


def prepared(shop: Workshop, given: Given, teacher: Teacher) -> dict[str, Any]:
    """What would be asked; nothing is written."""
    texts = [row.text for row in material(shop, given.task).examples]
    missing = len(answers(shop, given.task, teacher).missing(texts))
    return {"teacher": teacher.name, "requests": len(texts), "answered": len(texts) - missing, "to ask": missing}


def done(shop: Workshop, given: Given, teacher: Teacher, names: tuple[str, ...]) -> dict[str, Any]:
    """Ask, train, register; what came of it."""
    scene = Scene()
    with scene.bar("ask", 1, "a teacher answers") as asking, scene.bar("train", 1, "a student learns") as bar:
        wish = Wish(
            task=given.task,
            base=given.base,
            teachers=names,
            recipe=given.recipe,
            parent=given.parent,
            learning=bar.training,
            asking=lambda done, of: asking.to(done, of),
        )
        version = distill(shop, wish, teacher)
    about = {"version": version.id, "teachers": list(names), "base": version.base, "labels": len(version.labels)}
    return {**about, "recipe": given.recipe.name, **version.cost}
