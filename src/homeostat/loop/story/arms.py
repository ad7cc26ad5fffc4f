"""The arms that ours is measured beside: never retrain, naive sequential fine-tuning, joint retraining from the base.

Same base, same trainable tensors, same early stopping, same turns. Nothing here is registered or released.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Task
from homeostat.types.version import Version

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a turn of the fixed schedule brings."""

    time: float
    new: Sequence[Example]
    """Labeled rows since the turn before."""
    known: Sequence[Example]
    """Every labeled row so far, the new ones among them."""
    labels: tuple[str, ...]
    """Every label seen so far, in the order of appearance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A model at the end of its schedule, and what it took."""

    name: str
    start: Start
    prior: tuple[float, ...] = ()
    cost: dict[str, float] = field(default_factory=dict)
    labels_used: int = 0

    @property
    def version(self) -> Version:
        """The arm's model as a version a backend can load."""
        return Version(
            id=f"arm-{self.name}",
            task="",
            time=0.0,
            base=self.start.base,
            kind=self.start.kind,
            labels=self.start.labels,
            prior=self.prior,
        )


def once(
    task: Task, start: Start, lesson: Lesson, recipe: Recipe, folder: Path, report: Report
) -> tuple[Start, Trained]:
    """Train one model; where it can be gone on from, and what was left."""
    rows = [replace(e, origin=Origin.NEW) for e in lesson.known]
    trained = train(
        Order(task=task, start=start, examples=rows, labels=lesson.labels, recipe=recipe, folder=folder, report=report)
    )
    return Start(base=start.base, folder=trained.weights, kind=trained.kind, labels=trained.labels), trained


def naive(
    task: Task, first: Start, schedule: Sequence[Lesson], recipe: Recipe, folder: Path, report: Report = print
) -> Arm:
    """Sequential fine-tuning on each turn's new rows alone, from the first version on."""
    start, cost = first, {"flops": 0.0, "cpu_seconds": 0.0}
    prior: tuple[float, ...] = ()
    for number, lesson in enumerate(schedule):
        if not lesson.new:
            continue
        alone = replace(lesson, known=lesson.new)
        start, trained = once(task, start, alone, recipe, folder / f"naive-{number}", report)
        prior, cost = trained.prior, {k: cost[k] + trained.cost[k] for k in cost}
    return Arm(name="naive", start=start, prior=prior, cost=cost, labels_used=sum(len(e.new) for e in schedule))


def joint(
    task: Task, base: Start, schedule: Sequence[Lesson], recipe: Recipe, folder: Path, report: Report = print
) -> Arm:
    """From the bare base on every row so far, at every turn; only the last model is left, all are paid for."""
    start, cost = base, {"flops": 0.0, "cpu_seconds": 0.0}
    prior: tuple[float, ...] = ()
    for number, lesson in enumerate(schedule):
        start, trained = once(task, base, lesson, recipe, folder / f"joint-{number}", report)
        prior, cost = trained.prior, {k: cost[k] + trained.cost[k] for k in cost}
    return Arm(
        name="joint", start=start, prior=prior, cost=cost, labels_used=len(schedule[-1].known) if schedule else 0
    )


def outcomes(backend: LocalBackend, task: Task, arm: Arm, rows: Sequence[tuple[str, str]]) -> list[float]:
    """1.0 where the arm's model gives the target of a (text, target) row, else 0.0."""
    backend.load(arm.version, arm.start.folder)
    replies = backend.reply([Request(task=task, text=text, version=arm.version.id) for text, _ in rows])
    backend.unload(arm.version.id)
    return [float(reply.text == target) for reply, (_, target) in zip(replies, rows, strict=True)]
