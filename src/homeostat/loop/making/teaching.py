"""Learning from a teacher as a way to answer better: who would teach whom, what a short lesson gained, and a whole one.

It applies where the champion is a student, whose teacher may know more by now or has not been asked of the newest
requests yet; and where the champion has a student, smaller than itself, that could answer in its place.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from homeostat.decide.option import DISTIL, Option
from homeostat.errors import HomeostatError
from homeostat.llm.backend import Request
from homeostat.llm.teacher import Answer, Teacher
from homeostat.loop.deciding.ground import Ground, measured, unknown
from homeostat.loop.making.distill import Wish, answered, chances, gathered, heeding, labels_of, lesson_of
from homeostat.loop.making.learn import Lesson, held_by, start_of
from homeostat.loop.making.students import Taught, newest, students, versions_teaching
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import State, Version

STUDENT = "student"
"""The recipe that students are taught by."""
MOST = 400
"""Requests that a teacher answers for a probe, at most."""
STEPS = 100
"""Steps of a lesson that is probed, at most."""
_GONE = frozenset({State.REFUSED, State.WITHDRAWN, State.ERASED})


def pupil(store: Store, champion: Version) -> Taught | None:
    """Whom a teacher could teach: the champion, if it is a student of versions; else the newest student of the
    champion's. None where there is neither.

    Where a student answers everybody its teachers answer nobody, so a version that goes on from one need not have done
    so either: the probe says whether it knows more.
    """
    every = {one.id: one for one in store.versions.list(champion.task)}
    if champion.teachers:
        versions = list(every.values())
        now = tuple(newest(versions, one, untried=True) for one in champion.teachers)
        found = Taught(student=champion, teachers=now)
    else:
        own = [one for one in students(store, champion.task) if one.teachers == (champion.id,)]
        if not own:
            return None
        found = own[-1]
    known = all(one in every and every[one].state not in _GONE for one in found.teachers)
    return found if known and found.student.state is not State.ERASED else None


def taught(shop: Workshop, ground: Ground, values: Sequence[float], each: float) -> Option:
    """What a short lesson gained; nothing is known of one that breaks off.

    The teacher answers the older verified requests and the newest unlabeled ones before the rows that are measured on.
    What it takes is told from what the probe took, for all requests that a whole lesson asks about, of which it learns
    the same share.

    Args:
        shop: whose versions they are.
        ground: what is probed on; it has a pupil.
        values: how right the champion's replies to the later rows are.
        each: CPU-seconds of one of them.
    """
    who = ground.pupil
    if who is None:
        raise LookupError("nobody is taught here")
    folder = shop.run_folder(f"probe.{DISTIL}")
    recipe = named(STUDENT, shop.config.train)
    try:
        lesson = _asked(shop, ground, who, recipe)
        found = measured(shop, ground, _order(shop, ground, who, lesson, recipe))
    except HomeostatError as broken:
        return unknown(DISTIL, f"learning from a teacher, whose probe broke off: {broken.what}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    whole = shop.store.interactions.count(ground.task.name)
    kept = lesson.left_of(whole)
    passes = paced(recipe, shop.config.train, Rows(new=kept, replayed=0, known=kept), lesson.labels).epochs
    gpu = found.cost.get("gpu_seconds", 0.0) / max(found.cost.get("cpu_seconds", 0.0), 1e-9)
    learning = kept * passes * _per_row(found.cost, recipe)
    return Option(
        name=DISTIL,
        gain=paired(found.values, values),
        cpu_s=whole * lesson.each_cpu_s + learning,
        gpu_s=learning * gpu,
        more_cpu_s=found.each_cpu_s - each,
        says=_said(ground, who, len(lesson.rows), found.steps),
        student=who.student.id,
        teachers=who.teachers,
    )


def _said(ground: Ground, who: Taught, rows: int, steps: float) -> str:
    """What it is, in words."""
    teachers = " and ".join(who.teachers)
    if who.student.id != ground.champion.id:
        what = f"teaching {who.student.id}, a smaller version, what {teachers} says"
    elif who.due:
        what = f"learning from {teachers}, which the teacher has become"
    else:
        what = f"learning from the teacher, {teachers}, what it says of newer requests"
    return f"{what}; {steps:.0f} steps on its answers to {rows} requests were tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a teacher said for a probe."""

    rows: list[Example]
    """What can be learned of it."""
    labels: tuple[str, ...]
    told: dict[str, tuple[float, ...]]
    asked: int
    """Requests that it was asked about, those that it said nothing of use to among them."""
    cpu_s: float
    """It took to ask them."""

    @property
    def each_cpu_s(self) -> float:
        """CPU-seconds of asking about one request."""
        return self.cpu_s / max(1, self.asked)

    def left_of(self, requests: int) -> int:
        """How many of so many requests would be learned from."""
        return round(requests * len(self.rows) / max(1, self.asked))


def _asked(shop: Workshop, ground: Ground, who: Taught, recipe: Recipe) -> Heard:
    """Ask the teacher of what came before the rows that are measured on. Nothing is kept: a plan changes nothing."""
    wish, texts = _wish(ground.task, who.student, who.teachers, recipe), _texts(shop, ground)
    with _teaching(shop, who.teachers) as teacher:
        spent = time.process_time()
        said = _answers(teacher, ground.task, texts)
        spent = time.process_time() - spent
        labels = labels_of(wish, teacher)
        told = chances(said, teacher.labels, labels)
    return heard(ground.task, said, labels, told, spent)


def heard(
    task: Task, said: Mapping[str, Answer], labels: tuple[str, ...], told: dict[str, tuple[float, ...]], cpu_s: float
) -> Heard:
    """What can be learned of the answers to all the texts that were asked about, and what asking took."""
    rows = answered([Example(text=text, target="", task=task.name) for text in said], said, labels)
    return Heard(rows=rows, labels=labels, told=told, asked=len(said), cpu_s=cpu_s)


def _answers(teacher: Teacher, task: Task, texts: Sequence[str]) -> dict[str, Answer]:
    return dict(zip(texts, teacher.answer([Request(task=task, text=text, version="") for text in texts]), strict=True))


def _texts(shop: Workshop, ground: Ground) -> list[str]:
    """The newest requests from before the later rows, verified or not, each once."""
    until = min(row.time for row in ground.later)
    log = shop.store.interactions.last(ground.task.name, MOST, until=until)
    outside = {row.text for row in ground.later}
    texts = dict.fromkeys([*(row.text for row in log), *(row.text for row in ground.earlier)])
    return [text for text in texts if text not in outside][-MOST:]


def _order(shop: Workshop, ground: Ground, who: Taught, lesson: Heard, recipe: Recipe) -> Order:
    """A short training of the student."""
    short = paced(heeding(recipe, lesson.told), shop.config.train, Rows.of(lesson.rows), lesson.labels)
    return Order(
        task=ground.task,
        start=start_of(shop, who.student),
        examples=lesson.rows,
        labels=lesson.labels,
        recipe=replace(short, max_steps=min(short.max_steps or STEPS, STEPS)),
        folder=shop.run_folder(f"probe.{DISTIL}"),
        held=held_by(shop, who.student),
        told=lesson.told,
    )


def _per_row(cost: Mapping[str, float], recipe: Recipe) -> float:
    """CPU-seconds of a pass over a row."""
    return cost.get("cpu_seconds", 0.0) / max(1.0, cost.get("steps", 0.0) * recipe.batch_rows)


@contextmanager
def _teaching(shop: Workshop, teachers: Sequence[str]) -> Iterator[Teacher]:
    with versions_teaching(shop, [shop.store.versions.get(one) for one in teachers]) as teacher:
        yield teacher


def _wish(task: Task, student: Version, teachers: tuple[str, ...], recipe: Recipe) -> Wish:
    return Wish(task=task, base=student.base, teachers=teachers, recipe=recipe, parent=student)


def curriculum(shop: Workshop, task: Task, option: Option) -> str:
    """Id of the dataset of what the teachers of a chosen option say. Raises as `distill`."""
    with _teaching(shop, option.teachers) as teacher:
        return gathered(shop, _chosen(shop, task, option), teacher).id


def lesson(shop: Workshop, task: Task, option: Option, dataset: str) -> Lesson:
    """What the student of a chosen option learns from it; nothing is asked again. Raises as `distill`."""
    with _teaching(shop, option.teachers) as teacher:
        return lesson_of(shop, _chosen(shop, task, option), teacher, shop.store.datasets.get(dataset))


def _chosen(shop: Workshop, task: Task, option: Option) -> Wish:
    student = shop.store.versions.get(option.student)
    return _wish(task, student, option.teachers, named(STUDENT, shop.config.train))
