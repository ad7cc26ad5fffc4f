"""A few steps of fine-tuning, from a plain start or from what was learned over past tasks (`beginning.py`).

B of a LoRA adapter moves, and with it the rows of the labels; A stays as drawn. Plain gradient descent, which is what
such beginnings are learned for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homeostat.llm.features import Floats
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import ask
from homeostat.train.few.shots import Answers, Reader, Shots
from homeostat.train.few.slate import Slate
from homeostat.train.meta.reptile import adapt
from homeostat.train.objectives.completion import Completion
from homeostat.train.samples import Sample
from homeostat.train.step import Step
from homeostat.types.task import Task


@dataclass(frozen=True, slots=True)
class Told(Answers):
    """A model that was tuned, and answers with the codes of its labels."""

    labels: tuple[str, ...]
    slate: Slate
    task: Task

    def score(self, texts: Sequence[str]) -> Floats:
        """float64[texts, labels]: log-probabilities."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        rows = [self.slate.renderer.example(self.task, text, (0,)) for text in texts]
        allowed = self.slate.tokens[: len(self.labels)]
        said = ask(self.slate.opened, rows, allowed).logits.log_softmax(-1).double().cpu().numpy()
        return np.asarray(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """Some steps of plain gradient descent."""

    steps: int = 10
    rate: float = 0.1
    rows: int = 32
    """Most examples of a step."""
    rank: int = 8
    """Of a plain start."""
    start: Path | None = None
    """A folder with a beginning, from `learn_beginning`."""
    seed: int = 0
    """Of a plain start, and of the examples of each step."""

    def learn(self, reader: Reader, shots: Shots) -> Told:
        """Tune a copy of the base.

        Raises:
            Diverged: the rate is too high.
            UnsuitedModel: the base has an adapter on it.
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
        """
        opened = replace(reader.opened, model=deepcopy(reader.opened.model))
        slate = Slate(opened, len(shots.labels), Lora(rank=self.rank), self.start, seed=self.seed)
        ground, samples = slate.lay(shots.labels), slate.samples(reader.task, shots.texts, shots.at)
        drawn = self._drawn(samples)
        adapt(slate.parameters, lambda: Completion()(Step(ground, next(drawn))), self.rate, self.steps)
        slate.require_finite()
        return Told(shots.labels, slate, reader.task)

    def _drawn(self, samples: Sequence[Sample]) -> Iterator[list[Sample]]:
        """The examples of each step: all of them, or passes over all in parts."""
        rng = np.random.default_rng([self.seed, 8])
        while True:
            order = rng.permutation(len(samples))
            for part in np.array_split(order, math.ceil(len(samples) / self.rows)):
                yield [samples[k] for k in part]
