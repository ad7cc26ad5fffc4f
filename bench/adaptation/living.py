"""A life with adapters: policies of retraining that really fine-tune the built-in model, for `bench/watch_5.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaptation.lab import TASK, Lab, Lesson, Model
from homeostat.config.schema import Curate, Train
from homeostat.curate.build import Inputs, build
from homeostat.decide.replay.policies import Look, Make, Prices
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.types.dataset import Example

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by its number, as a lab scores it."""

    index: int
    text: str
    label: str


@dataclass(slots=True)
class Adapters:
    """The live half of a variant, answered by adapters; each is trained from the one in service, as a turn does it."""

    lab: Lab
    memory: Sequence[Example]
    rows: Sequence[Asked]
    step: NDArray[np.int64]
    told: NDArray[np.bool_]
    heads: Any
    """The same life by heads: what our rule measures its gain by is the fresh one beside the frozen one."""
    settings: Train
    name: str

    @property
    def steps(self) -> int:
        """Of the life."""
        return int(self.step.max()) + 1

    def first(self) -> Model:
        """The first champion."""
        recipe = named("first", self.settings)
        labels = tuple(dict.fromkeys(row.target for row in self.memory))
        lesson = Lesson(
            arm=f"{self.name}-first",
            seed=0,
            turn=0,
            parent=None,
            examples=self.memory,
            labels=labels,
            recipe=recipe,
        )
        return self.lab.train(lesson)

    def grown(self, model: Model, since: int, born: int) -> Model:
        """The model that goes on from another, with the labels of the steps from `since` to before `born`."""
        known = [*self.memory, *self._examples(self.step < since)]
        recipe = named("careful", self.settings)
        inputs = Inputs(
            task=TASK,
            imported=self._examples((self.step >= since) & (self.step < born)),
            memory=known,
            labels=model.start.labels,
            recall=recipe.recalls_of(TASK),
        )
        curated = build(inputs, replace(Curate(), replay=recipe.replay))
        if not curated.examples:
            return model
        pace = paced(recipe, self.settings, Rows.of(curated.examples), curated.labels)
        lesson = Lesson(
            arm=self.name,
            seed=0,
            turn=born,
            parent=model,
            examples=curated.examples,
            labels=curated.labels,
            recipe=pace,
        )
        return self.lab.train(lesson)

    def cost(self, make: Make, prices: Prices, *, looks: bool) -> float:
        """What a policy costs a request."""
        policy, model, born, wrong, trained = make(prices), self.first(), 0, 0.0, 0
        for t in range(self.steps):
            here = np.flatnonzero(self.step == t)
            right = self._right(model, here)
            wrong += float((1.0 - right).sum())
            seen = self.told[here]
            served = self.heads.model(born)[0][here[seen]] if looks else right[seen]
            look = Look(
                time=float(t + 1),
                since=float(born),
                requests=float(len(here)),
                served=served,
                fresh=self.heads.model(t)[0][here[seen]],
                alarm=False,
            )
            if policy.retrain(look) and t + 1 < self.steps:
                model = self.grown(model, born, t + 1)
                born, trained = t + 1, trained + 1
        return (wrong * prices.per_wrong + trained * prices.retraining) / len(self.rows)

    def _right(self, model: Model, here: NDArray[np.int64]) -> Floats:
        rows = [self.rows[k] for k in here.tolist()]
        self.lab.score(model, rows)  # type: ignore[arg-type]
        return np.array([float(model.right[row.index]) for row in rows])

    def _examples(self, which: NDArray[np.bool_]) -> list[Example]:
        found = [self.rows[k] for k in np.flatnonzero(which & self.told).tolist()]
        return [Example(text=row.text, target=row.label, task=TASK.name, time=1.0 + row.index) for row in found]


def lived_by(life: Adapters, makes: Mapping[str, Make], prices: Sequence[float], fresh: frozenset[str]) -> Any:
    """Price -> policy -> cost a request, as it came."""
    return {
        price: {name: life.cost(make, Prices(retraining=price), looks=name in fresh) for name, make in makes.items()}
        for price in prices
    }
