"""The fresh challenger: an exact ridge head kept up to date, beside the same head frozen at the champion's date.

What the fresh one gains over the frozen one, on labels neither had seen when it answered, is what retraining could
gain. It costs milliseconds, so it can be asked every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.llm.features import Features, Floats
from homeostat.stats.intervals import paired
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.dataset import Example
from homeostat.types.report import Score

BLOCK = 20
"""Labeled rows after which the fresh head is solved anew."""
WINDOW = 400
"""Newest labeled rows that the two are measured on."""
WIDTH = 1537
"""Features of a request."""
CHUNK = 2000
"""Rows whose features are held in memory at once."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """How right the fresh head and the frozen one were on the newest labeled rows, oldest first."""

    fresh: Floats
    """float[rows]"""
    frozen: Floats
    """float[rows]"""

    @property
    def gain(self) -> Score:
        """Fresh minus frozen; an `n` of 0 where there was nothing to measure it on."""
        return paired(self.fresh, self.frozen) if len(self.fresh) else Score(mean=0.0, low=-1.0, high=1.0, n=0)

    def lately(self, n: int) -> float | None:
        """The mean gain over the newest n rows, or all if there are fewer; None if that is none."""
        n = min(n, len(self.fresh))
        return float(np.mean(self.fresh[-n:] - self.frozen[-n:])) if n else None


def challenge(memory: Sequence[Example], labeled: Sequence[Example], value: Callable[[str, str], float]) -> Challenge:
    """The two heads on the newest labeled rows, each of which is predicted before it is learned.

    Args:
        memory: what the champion was trained on, and what its ancestors were.
        labeled: rows labeled since, oldest first.
        value: how right a reply is beside its target, in [0, 1]. A text task's heads reply with whole texts they know.
    """
    if not memory or not labeled:
        return Challenge(np.zeros(0), np.zeros(0))
    head = RidgeHead(WIDTH)
    learn(head, memory)
    frozen_weights, frozen_labels = head.weights(), list(head.labels)
    frozen_hits: list[float] = []
    fresh_hits: list[float] = []
    learn(head, labeled[:-WINDOW])
    recent = labeled[-WINDOW:]
    for start in range(0, len(recent), BLOCK):
        block = recent[start : start + BLOCK]
        rows, targets = read([e.text for e in block]), [e.target for e in block]
        fresh = head.predict(rows)
        frozen = [frozen_labels[k] for k in (rows @ frozen_weights).argmax(1)]
        fresh_hits += [value(p, t) for p, t in zip(fresh, targets, strict=True)]
        frozen_hits += [value(p, t) for p, t in zip(frozen, targets, strict=True)]
        head.add(rows, targets)
    return Challenge(np.array(fresh_hits), np.array(frozen_hits))


def learn(head: RidgeHead, examples: Sequence[Example]) -> None:
    """Have a head learn examples."""
    for start in range(0, len(examples), CHUNK):
        some = examples[start : start + CHUNK]
        head.add(read([e.text for e in some]), [e.target for e in some])


def read(texts: Sequence[str]) -> Floats:
    """float64[texts, WIDTH]: what a head is shown of requests, which is their words and letters alone."""
    return Features.fixed(np.zeros((1, 1)), width=1, buckets=WIDTH - 1).of(np.zeros((len(texts), 1)), texts)
