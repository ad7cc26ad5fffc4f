"""The batches of a whole run, pass after pass: the same for the same seed, wherever it is entered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.train.job import Job
from homeostat.train.samples import batches, padding


@dataclass(frozen=True, slots=True)
class Plan:
    """Which rows each step sees."""

    lengths: Sequence[int]
    rows: int
    """Rows of a batch."""
    seed: int
    steps: int
    padding: float
    """Share of the padded positions in the batches of the first pass."""

    @staticmethod
    def of(job: Job) -> Plan:
        """The plan of a job."""
        lengths, recipe = [s.length for s in job.ground.train], job.recipe
        first = batches(lengths, recipe.batch_rows, recipe.seed, 0)
        steps = max(1, int(len(first) * recipe.epochs))
        steps = min(steps, recipe.max_steps) if recipe.max_steps else steps
        return Plan(lengths, recipe.batch_rows, recipe.seed, steps, padding(lengths, first))

    def rest(self, step: int) -> Iterator[np.ndarray]:
        """Batches from `step` on."""
        per_pass = math.ceil(len(self.lengths) / self.rows)
        while step < self.steps:
            order = batches(self.lengths, self.rows, self.seed, step // per_pass)
            for batch in order[step % per_pass :]:
                if step == self.steps:
                    return
                yield batch
                step += 1
