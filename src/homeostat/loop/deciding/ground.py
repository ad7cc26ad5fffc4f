"""What ways to answer better are probed on, and how right a version is there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homeostat.decide.option import Option
from homeostat.errors import UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.preface import Preface, States
from homeostat.loop.making.learn import carried_out
from homeostat.loop.making.students import Taught
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.train.run import Order
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is probed on."""

    task: Task
    champion: Version
    memory: Sequence[Example]
    """What the champion and its ancestors learned."""
    earlier: Sequence[Example]
    """Older verified rows: to choose and to learn by."""
    later: Sequence[Example]
    """Newer ones: to measure on."""
    known: int = 0
    """Verified rows that a whole training would learn from, those that are not probed on among them."""
    pupil: Taught | None = None
    """Whom a teacher could teach, and who teaches; None where nobody does."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The champion's labels, then those of the earlier rows that are new, where a version may learn any."""
        if self.task.kind is Kind.TEXT or self.champion.kind == HEAD:
            return self.champion.labels
        return tuple(dict.fromkeys([*self.champion.labels, *(row.target for row in self.earlier)]))

    @property
    def preface(self) -> Preface:
        """What the champion reads before a request where it has no preface of its own: nothing but the task's words."""
        return Preface(instruction=self.task.instruction)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks a loaded version with one preface or another."""

    backend: LocalBackend
    task: Task
    version: Version

    def right(self, preface: Preface | None, rows: Sequence[Example]) -> tuple[list[float], list[str], float]:
        """How right its replies to rows are, in [0, 1]; the replies; and the CPU-seconds of each."""
        self.backend.preface(self.version.id, preface)
        spent = time.process_time()
        said = [reply.text for reply in self.backend.reply(self._requests(rows))]
        spent = (time.process_time() - spent) / max(1, len(rows))
        values = [right(self.task.kind, reply, row.target) for reply, row in zip(said, rows, strict=True)]
        return values, said, spent

    def states(self, rows: Sequence[Example]) -> States:
        """float16[rows, hidden]: what the version's model makes of each row alone."""
        return self.backend.states(self._requests(rows)).astype(np.float16)

    def score(self, preface: Preface, rows: Sequence[Example]) -> list[float]:
        """What a search goes by, in [0, 1]: the probability of the right label, which tells sooner than right and wrong
        which is better, or how right a text is. 0 where the preface leaves no room for a request.
        """
        self.backend.preface(self.version.id, preface)
        try:
            if self.task.kind is Kind.TEXT:
                return self.right(preface, rows)[0]
            said = self.backend.score(self._requests(rows))
        except UnsuitedModel:
            return [0.0] * len(rows)
        place = {label: k for k, label in enumerate(self.version.labels or self.task.labels)}
        return [
            float(np.exp(logs[place[row.target]])) if row.target in place else 0.0
            for logs, row in zip(said, rows, strict=True)
        ]

    def _requests(self, rows: Sequence[Example]) -> list[Request]:
        return [Request(task=self.task, text=row.text, version=self.version.id) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A version that was trained to be probed, on the later rows."""

    values: list[float]
    """How right each of its replies is, in [0, 1]."""
    each_cpu_s: float
    """CPU-seconds of a reply."""
    cost: Mapping[str, float]
    """What its training took, as `Version.cost`."""

    @property
    def steps(self) -> float:
        """Steps that were made."""
        return self.cost.get("steps", 0.0)


def measured(shop: Workshop, ground: Ground, order: Order) -> Measured:
    """Train by an order and ask what comes of it. Raises as `carried_out`."""
    trained = carried_out(order)
    made = replace(
        ground.champion,
        id=f"{ground.champion.id}_trained",
        base=order.start.base,
        blob="",
        kind=trained.kind,
        labels=trained.labels,
        prior=trained.prior,
    )
    with shop.loaded() as backend:
        backend.load(made, Path(trained.weights))
        try:
            values, _, each = Asker(backend, ground.task, made).right(None, ground.later)
        finally:
            backend.unload(made.id)
    return Measured(values=values, each_cpu_s=each, cost=trained.cost)


def unknown(name: str, says: str) -> Option:
    """A way of which nothing is known, for its probe broke off."""
    return Option(name=name, gain=Score(mean=0.0, low=-1.0, high=1.0, n=0), cpu_s=0.0, says=says)


def no_gain(name: str, values: Sequence[float], spent: float, says: str) -> Option:
    """A way that has gained nothing on so many rows."""
    return Option(name=name, gain=Score(mean=0.0, low=0.0, high=0.0, n=len(values)), cpu_s=spent, says=says)
