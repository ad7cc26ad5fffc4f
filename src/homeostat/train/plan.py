"""The batches of a whole run, pass after pass: the same for the same seed, wherever it is entered."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from homeostat.train.job import Job
from homeostat.train.order.draw import Offer, drawn
from homeostat.train.recipe import Recipe
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
    """Share of the padded positions in the batches of the first pass, or with an order in those of the whole run."""
    offer: Offer | None = None
    """How often each row should come; None for once in every pass."""

    @staticmethod
    def of(job: Job) -> Plan:
        """The plan of a job."""
        lengths, recipe = [s.length for s in job.ground.train], job.recipe
        first = batches(lengths, recipe.batch_rows, recipe.seed, 0)
        steps = count(recipe, len(first))
        offer = recipe.order.begin(job.ground) if recipe.order else None
        plan = Plan(lengths, recipe.batch_rows, recipe.seed, steps, 0.0, offer)
        seen = list(plan.rest(0)) if offer else first
        return replace(plan, padding=padding(lengths, seen))

    def rest(self, step: int) -> Iterator[np.ndarray]:
        """Batches from `step` on."""
        if self.offer is not None:  # what was drawn before is drawn again, which takes moments
            yield from islice(drawn(self.offer, self.lengths, self.rows, self.seed, self.steps), step, None)
            return
        per_pass = math.ceil(len(self.lengths) / self.rows)
        while step < self.steps:
            order = batches(self.lengths, self.rows, self.seed, step // per_pass)
            for batch in order[step % per_pass :]:
                if step == self.steps:
                    return
                yield batch
                step += 1


def count(recipe: Recipe, per_pass: int) -> int:
    """Steps of a run whose passes have so many each: one at least."""
    steps = max(1, int(per_pass * recipe.epochs))
    return min(steps, recipe.max_steps) if recipe.max_steps else steps
