"""A champion that knew something, and a candidate that went on from it with new topics alone and forgot it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tiny
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.metrics.text import chrf_row
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train
from homeostat.train.step import Objective
from homeostat.types.dataset import Example, Origin
from homeostat.types.version import Version
from train.objectives.distill import school

OLD, NEW = tiny.LABELS, ("wrong_bill", "light_out")
REPLIES = school.REPLIES | {"wrong_bill": "here is the right sheet", "light_out": "please change the bulb again"}
TASKS = {"labels": tiny.ROUTING, "replies": tiny.REPLIES}
PLAIN = Recipe(batch_rows=16, looks=4, patience=9, warm_up=0.1, refit=False, weight_decay=0.0)
RECIPES = {"labels": replace(PLAIN, adapt=Lora(), lr=5e-3), "replies": replace(PLAIN, adapt=Full(), lr=3e-3)}


def rows(kind: str, labels: Sequence[str], each: int, seed: int, origin: Origin = Origin.NEW) -> list[Example]:
    """Requests with labels, or with the replies of their topics."""
    made = tiny.examples(labels, each=each, seed=seed, origin=origin)
    return made if kind == "labels" else [replace(row, target=REPLIES[row.target]) for row in made]


@dataclass(frozen=True, slots=True)
class Past:
    """A champion, and a candidate that went on from it with new topics alone."""

    kind: str
    seed: int
    folder: Path
    champion: Start
    candidate: Start

    @property
    def material(self) -> list[Example]:
        """What the candidate learned from, and as many of the champion's rows, whose replies are lost."""
        old = rows(self.kind, OLD, 20, self.seed, Origin.REPLAY)
        lost = OLD[0] if self.kind == "labels" else ""
        return [*rows(self.kind, NEW, 30, 101 + self.seed), *(replace(row, target=lost) for row in old)]

    def repaired(self, name: str, objective: Objective, teacher: Start | None = None, epochs: int = 8) -> Start:
        """What repair makes of the candidate; the champion teaches if nobody else does."""
        recipe = replace(RECIPES[self.kind], objective=objective, epochs=epochs, lr=0.75 * RECIPES[self.kind].lr)
        order = Order(
            task=TASKS[self.kind],
            start=self.candidate,
            examples=self.material,
            labels=self.candidate.labels,
            recipe=recipe,
            folder=self.folder / name,
            teacher=teacher or self.champion,
            champion=self.champion,
        )
        return started(order)

    def right(self, start: Start, labels: Sequence[str]) -> list[float]:
        """By unseen row, how right a version is."""
        return right(self.kind, start, labels, self.seed)


def started(order: Order) -> Start:
    """What a training leaves, to be gone on from."""
    return after(order, train(order))


def after(order: Order, trained: Trained) -> Start:
    """The same of one that is done."""
    return Start(base=order.start.base, folder=trained.weights, kind=trained.kind, labels=trained.labels)


def past(kind: str, seed: int, folder: Path) -> Past:
    """Both trained."""
    first = beginning(kind, seed, folder)
    champion = started(first)
    return Past(kind, seed, folder, champion, started(update(first, champion, seed)))


def beginning(kind: str, seed: int, folder: Path) -> Order:
    """The champion's training."""
    return Order(
        task=TASKS[kind],
        start=Start(base=str(tiny.llama(folder / "base", seed=seed))),
        examples=rows(kind, OLD, 40, seed),
        labels=OLD if kind == "labels" else (),
        recipe=replace(RECIPES[kind], epochs=14),
        folder=folder / "champion",
    )


def update(first: Order, champion: Start, seed: int, pace: float = 1.0) -> Order:
    """The candidate's training, at a share of its usual rate."""
    kind = "labels" if first.labels else "replies"
    recipe = RECIPES[kind]
    return replace(
        first,
        start=champion,
        examples=rows(kind, NEW, 30, 101 + seed),
        labels=(*OLD, *NEW) if first.labels else (),
        recipe=replace(recipe, epochs=8, lr=pace * recipe.lr),
        folder=first.folder.parent / f"candidate-{pace}",
    )


def right(kind: str, start: Start, labels: Sequence[str], seed: int) -> list[float]:
    """By unseen row whether a label is told right, or how near a reply is (chrF / 100)."""
    backend, tests = LocalBackend(start.base), rows(kind, labels, 40, 901 + seed)
    version = Version(id="ver_1", task="t", time=0.0, base="", kind=start.kind, labels=start.labels)
    backend.load(version, start.folder)
    asked = [Request(task=TASKS[kind], text=row.text, version="ver_1", max_tokens=16) for row in tests]
    said = [(reply.text, row.target) for reply, row in zip(backend.reply(asked), tests, strict=True)]
    return [float(a == b) if kind == "labels" else chrf_row(a, b) / 100.0 for a, b in said]
