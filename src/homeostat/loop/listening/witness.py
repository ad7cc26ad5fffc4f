"""What is known of requests, asked whether a label can be right: an exact head on everything remembered.

How surprising a label is, is how much higher the head scores another one. It is ranked among the surprises of the rows
that are remembered, each told by a head that never saw it (exactly, by its leverage), so that its p-value is even while
live requests are like remembered ones, however good or bad the head is (split conformal prediction with
leave-one-out scores: Barber et al. 2021, 1905.02928). On CLINC150 and HWU64 what was remembered so told of live rows in
which nobody lies: 2.4 and 3.0 % are below 0.02, and 87 and 65 % of labels that were drawn at random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.llm.features import Floats
from homeostat.loop.deciding.shadow import CHUNK, WIDTH, read
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.dataset import Example

LEAST, MOST = 100, 4000
"""Remembered rows without which nothing can be said, and of which no more are read."""
RARE = 0.02
"""Share of remembered rows that are as surprising as a label must be to contradict."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a witness says of texts, each with something that was said of it."""

    best: Sequence[str]
    """What it takes the text for."""
    p: Sequence[float]
    """p-value of what was said, in (0, 1]; 1 where it does not know that label."""
    sure: Sequence[bool]
    """Whether the text is as plain as half of what is remembered."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Make one with `of`."""

    labels: Sequence[str]
    weights: Floats
    """float64[width, labels]"""
    surprises: Floats
    """float64[rows]: those of remembered rows, rising."""
    typical: float
    """Median score of the right label of a remembered row, by all others: from there on it is sure."""
    mix: Mapping[str, float]
    """Share of each label among remembered rows that are as plain as half of them."""

    @staticmethod
    def of(memory: Sequence[Example]) -> Witness | None:
        """The witness of these rows; None where they are too few, or all of one label."""
        rows = memory[:: max(1, -(-len(memory) // MOST))]
        targets = [row.target for row in rows]
        if len(rows) < LEAST or len(set(targets)) < 2:
            return None
        head, features = RidgeHead(WIDTH), read([row.text for row in rows])
        head.add(features, targets)
        scores = head.left_out(features, targets)
        given = np.array([head.labels.index(target) for target in targets])
        right = scores[np.arange(len(rows)), given]
        surprises, typical = np.sort(scores.max(1) - right), float(np.median(right))
        plain = Counter(target for target, score in zip(targets, right, strict=True) if score >= typical)
        mix = {label: n / plain.total() for label, n in plain.items()}
        return Witness(list(head.labels), head.weights(), surprises, typical, mix)

    def knows(self, label: str) -> bool:
        """Whether it can say anything of a label."""
        return label in self.labels

    def hear(self, texts: Sequence[str], said: Sequence[str]) -> Heard:
        """What it has to say of texts and of what was said of each."""
        best, p, sure = list[str](), list[float](), list[bool]()
        for start in range(0, len(texts), CHUNK):
            scores = read(texts[start : start + CHUNK]) @ self.weights
            best += [self.labels[k] for k in scores.argmax(1)]
            sure += (scores.max(1) >= self.typical).tolist()
            p += [self._p(row, label) for row, label in zip(scores, said[start : start + CHUNK], strict=True)]
        return Heard(best, p, sure)

    def _p(self, scores: Floats, label: str) -> float:
        if not self.knows(label):
            return 1.0
        surprise = scores.max() - scores[list(self.labels).index(label)]
        above = len(self.surprises) - int(np.searchsorted(self.surprises, surprise))
        return (1 + above) / (1 + len(self.surprises))
