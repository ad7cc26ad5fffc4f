"""From how often each row should come to batches: the same for the same seed, of like length, spread evenly.

Rows are drawn as flows are served fairly by their weight (start-time fair queueing: Goyal et al. 1996): a row of weight
w comes once in every span of 1/w, at a random place of it. Rows of one weight so come once a pass, in an order drawn
anew each time, and what is drawn more often is never drawn much more often by chance. For a row that becomes eligible
the first span begins there: it comes as often as the others from then on, and is not caught up on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from heapq import heapify, heapreplace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from homeostat.train.samples import CHUNK
from homeostat.train.step import Ground

Floats = NDArray[np.float64]
WINDOWS = 4
"""Least number of times that eligibility is asked anew while it changes."""


class Offer(Protocol):
    """How often each row should come in the course of one run."""

    @property
    def until(self) -> float:
        """Share of the run after which it stays as it is."""
        ...

    def __call__(self, share: float) -> Floats:
        """float64[rows], when this share of the run is done: what a row is drawn beside others; 0 for not at all."""
        ...


class RowOrder(Protocol):
    """The order of rows as a recipe names it: plain values, from which a run makes its offer."""

    def begin(self, ground: Ground) -> Offer:
        """Make ready before the first step, while the model is still what it starts from."""
        ...


def drawn(offer: Offer, lengths: Sequence[int], rows: int, seed: int, steps: int) -> Iterator[np.ndarray]:
    """Positions int64[rows] of each of `steps` batches; rows of like length are put together within a few batches."""
    rng, size = np.random.default_rng([seed, 3]), np.asarray(lengths)
    queue, step = _Queue(len(lengths), rng), 0
    rows = min(rows, len(lengths))
    while step < steps:
        count = _window(offer.until, step, steps)
        picked = queue.draw(offer(step / steps), count * rows)
        picked = picked[np.argsort(size[picked], kind="stable")].reshape(count, rows)
        yield from picked[rng.permutation(count)]
        step += count


def _window(until: float, step: int, steps: int) -> int:
    """Batches that are drawn together: few while eligibility changes, and never beyond the step where it ends to."""
    change = math.ceil(until * steps)
    left = (change if step < change else steps) - step
    most = max(1, min(CHUNK, change // WINDOWS)) if step < change else CHUNK
    return math.ceil(left / math.ceil(left / most))


class _Queue:
    """The rows that are eligible, by when they come next."""

    def __init__(self, rows: int, rng: np.random.Generator) -> None:
        self.rng, self.now = rng, 0.0
        self.weights, self.dues, self.ends = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        """How often each row should come, when it comes next, and when the span ends in which it does."""
        self.waiting: list[tuple[float, int]] = []

    def draw(self, weights: Floats, count: int) -> np.ndarray:
        """int64[count]: the positions of the next rows."""
        if not np.array_equal(weights, self.weights):
            self._turn(weights)
        picked = np.empty(count, np.int64)
        for k, chance in enumerate(self.rng.random(count).tolist()):
            self.now, row = self.waiting[0]
            start, span = float(self.ends[row]), 1.0 / float(weights[row])
            self.dues[row], self.ends[row], picked[k] = start + span * chance, start + span, row
            heapreplace(self.waiting, (start + span * chance, row))
        return picked

    def _turn(self, weights: Floats) -> None:
        """From now on rows come as these weights say: those that wait wait longer, or less long."""
        stays, new = (weights > 0) & (self.weights > 0), (weights > 0) & (self.weights == 0)
        pace = self.weights[stays] / weights[stays]
        for times in (self.dues, self.ends):
            times[stays] = self.now + (times[stays] - self.now) * pace
        self.ends[new] = self.now + 1.0 / weights[new]
        self.dues[new] = self.now + self.rng.random(int(new.sum())) / weights[new]
        rows = np.flatnonzero(weights)
        self.waiting = list(zip(self.dues[rows].tolist(), rows.tolist(), strict=True))
        heapify(self.waiting)
        self.weights = weights
