"""Which versions a backtest would really train: a few, one after the other, each from what was known at its moment.

A version is named by everything that makes it, so that what was trained once is found again: base, parent, recipe,
labels, rows. It lies in a folder of its own beside the store, and the store hears nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from homeostat.curate.build import Inputs, build
from homeostat.curate.snapshot import as_lines, examples
from homeostat.decide.replay.history import Floats, Ints
from homeostat.errors import UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.loop.backtests.backtest import Record, known_before
from homeostat.loop.backtests.searching import like, speed
from homeostat.loop.making.learn import curating, with_copies
from homeostat.loop.workshop import Workshop
from homeostat.train.forecast import forecast
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe, plain
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import Version

FOLDER = "backtests"
"""Where versions of backtests lie, in the project's folder."""
FIRST = "first"
"""The recipe of the first champion where there is none."""
MADE = "made.json"
_TIMED = 8
"""Requests that are answered to say how long one takes."""
_PASSES = 3.0
"""What it costs to train on a row once, in answers to it: forward, backward, and the looks."""


@dataclass(frozen=True)
class Moment:
    """A version that is trained, or was trained already."""

    step: int
    """The step before which it is; 0 for the first champion."""
    time: float
    """When that step begins."""
    recipe: Recipe
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    parent: Moment | None
    task: Task
    base: str
    root: Path
    version: Version | None = None
    """The version itself, where it is one of the store."""
    start: Start | None = None
    """What that one answers with."""

    @cached_property
    def id(self) -> str:
        """A hash of everything that makes it."""
        if self.version is not None:
            return self.version.id
        made_of = (
            self.base,
            self.parent.id if self.parent else "",
            json.dumps(plain(self.recipe), sort_keys=True),
            (self.task.kind.value, self.task.instruction),
            self.labels,
            as_lines(self.examples),
        )
        return hashlib.sha256(repr(made_of).encode()).hexdigest()[:24]

    @property
    def folder(self) -> Path:
        """Where it lies, with what it replied."""
        return self.root / self.id

    @property
    def there(self) -> bool:
        """Whether nothing is left to train."""
        return self.version is not None or (self.folder / MADE).exists()

    @property
    def new(self) -> int:
        """Rows that it is trained on."""
        return len(self.examples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What is still to be done, and what that takes by what is known beforehand."""

    trainings: int
    """Versions to train."""
    kept: int
    """Versions that were trained earlier."""
    rows: int
    """They are trained on."""
    replies: int
    """To be asked for."""
    train_cpu_s: float
    reply_cpu_s: float
    gpu_s: float = 0.0
    money: float = 0.0
    """At `decide.price_per_cpu_hour` and `price_per_gpu_hour`."""

    @property
    def cpu_s(self) -> float:
        """Of everything."""
        return self.train_cpu_s + self.reply_cpu_s


def planned(
    shop: Workshop, task: Task, record: Record, recipe: Recipe, step: Ints, times: Floats, n: int
) -> list[Moment]:
    """The first champion, and so many versions after it at even distances; who has nothing new to learn is left out.

    The first champion is the version that the record says; where there is none, one is trained from what the record
    says that it knows.

    Raises:
        UnsuitedModel: a log does not say what the recipe wants to know.
    """
    if recipe.only_wrong or recipe.reweigh or recipe.offset or recipe.rates:
        what = f"recipe `{recipe.name}` learns from more than requests and their right replies"
        raise UnsuitedModel(what, fix="name another one: careful, frugal, naive, joint, head, …")
    found = [_first(shop, task, record, times)]
    known, learned = list(record.memory), np.zeros(len(record.labeled), dtype=bool)
    shown = np.ones(len(record.labeled), dtype=bool)
    for k in range(1, n + 1):
        i = min(len(times) - 2, round(k * (len(times) - 1) / (n + 1)))
        fresh = ~learned & known_before(record, shown, step, times, i)
        rows = [_example(record, task, j) for j in np.flatnonzero(fresh).tolist()]
        learned |= fresh
        inputs = Inputs(task=task, imported=rows, memory=known, labels=found[-1].labels, recall=recipe.recalls_of(task))
        inputs = inputs.afresh() if recipe.afresh else inputs
        curated = with_copies(build(inputs, curating(shop, recipe)), recipe, ())
        known += rows
        if rows and curated.examples and i > 0:
            found.append(
                replace(
                    found[-1],
                    step=i,
                    time=float(times[i]),
                    recipe=paced(recipe, shop.config.train, Rows.of(curated.examples), curated.labels),
                    labels=curated.labels,
                    examples=curated.examples,
                    parent=found[-1],
                    version=None,
                    start=None,
                )
            )
    return found


def _first(shop: Workshop, task: Task, record: Record, times: Floats) -> Moment:
    root = Path(shop.config.folder) / FOLDER
    version = shop.store.versions.get(record.champion) if record.champion else None
    if version is not None:
        folder = shop.signing.folder(shop.store, version) if version.blob and version.kind != "base" else None
        start = Start(base=version.base, folder=folder, kind=version.kind, labels=version.labels)
        rows = tuple(examples(shop.store, version.dataset)) if version.dataset else ()
        recipe, labels, base = Recipe(name=FIRST), version.labels, version.base
    else:
        recipe, start, base = named(FIRST, shop.config.train), None, shop.config.model.weights
        built = build(Inputs(task=task, imported=record.memory), curating(shop, recipe))
        rows, labels = built.examples, built.labels
    return Moment(
        step=0,
        time=float(times[0]),
        recipe=recipe,
        labels=labels,
        examples=rows,
        parent=None,
        task=task,
        base=base,
        root=root,
        version=version,
        start=start,
    )


def _example(record: Record, task: Task, k: int) -> Example:
    row = record.labeled[k]
    return Example(text=row.text, target=row.target, task=task.name, time=row.time)


def priced(shop: Workshop, moments: Sequence[Moment], texts: Sequence[str], missing: Callable[[Moment], int]) -> Price:
    """What it would take to train what is not there, and to have every version answer the rows since its moment.

    Training goes by the operations a second of an earlier version of the base, if there was one, and else by what an
    answer takes.

    Args:
        shop: whose versions they are.
        moments: the versions.
        texts: some requests, to be answered by the bare base for a moment.
        missing: how many replies of a version are not known yet.
    """
    left = [moment for moment in moments if not moment.there]
    replies = sum(missing(moment) for moment in moments)
    rows, kept = sum(moment.new for moment in left), len(moments) - len(left)
    if not left and not replies:
        return Price(trainings=0, kept=kept, rows=0, replies=0, train_cpu_s=0.0, reply_cpu_s=0.0)
    each, known = _answer_s(shop, moments[0], texts), like(shop, moments[0].base)
    quick = speed(known)
    train_s = 0.0
    for moment in left:
        told = forecast(_order(moment, moments[0].start))
        passes = told.steps * moment.recipe.batch_rows or told.rows
        train_s += told.flops / quick if quick else passes * _PASSES * each
    gpu = known.cost.get("gpu_seconds", 0.0) / known.cost["cpu_seconds"] if known and quick else 0.0
    prices, reply_s = shop.config.deciding(moments[0].task.name), replies * each
    money = ((train_s + reply_s) * prices.price_per_cpu_hour + gpu * train_s * prices.price_per_gpu_hour) / 3600.0
    return Price(
        trainings=len(left),
        kept=kept,
        rows=rows,
        replies=replies,
        train_cpu_s=train_s,
        reply_cpu_s=reply_s,
        gpu_s=gpu * train_s,
        money=money,
    )


def _order(moment: Moment, start: Start | None) -> Order:
    """A training, as if it went on from the first champion: what it goes on from may not be there yet."""
    return Order(
        task=moment.task,
        start=start or Start(base=moment.base),
        examples=moment.examples,
        labels=moment.labels,
        recipe=moment.recipe,
        folder=Path(),
    )


def _answer_s(shop: Workshop, first: Moment, texts: Sequence[str]) -> float:
    """CPU-seconds in which the bare base answers one request; the first is not counted, for it makes ready."""
    task = replace(first.task, labels=first.labels) if first.labels else first.task
    some = [Request(task=task, text=text, version="") for text in texts[:_TIMED]]
    with shop.loaded() as backend:
        backend.reply(some[:1])
        return timed(lambda: backend.reply(some)) / max(1, len(some))


def timed(work: Callable[[], object]) -> float:
    """CPU-seconds that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began
