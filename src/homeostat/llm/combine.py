"""What several members say of labels, made one: by mean, vote or product, or by the one whose word a row takes.

Pure functions of log-probabilities float[members, rows, labels], each member's normalized over the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNKNOWN = 1e-6
"""Probability that a member is taken to give a label that it does not know."""
LEAST = 10
"""Rows of a slice below which its best member is not told from the others."""


def mean(logs: Floats) -> Floats:
    """float[rows, labels]: the logarithm of the mean probability (deep ensembles, Lakshminarayanan et al. 2017,
    1612.01474).
    """
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - np.log(len(logs)))


def product(logs: Floats) -> Floats:
    """float[rows, labels]: the geometric mean of the probabilities, normalized (products of experts, Hinton 2002,
    Neural Computation 14:1771). Who is sure that it is not so is heard.
    """
    return _normal(logs.mean(axis=0))


def vote(logs: Floats) -> Floats:
    """float[rows, labels]: the share of the members that would reply each label; the mean probability, as one more
    voice divided among the labels, settles ties and nothing else.
    """
    best = logs.argmax(axis=2)
    votes = (best[:, :, None] == np.arange(logs.shape[2])).sum(axis=0)
    return np.asarray(np.log((votes + np.exp(mean(logs))) / (len(logs) + 1)))


HOW: dict[str, Callable[[Floats], Floats]] = {"mean": mean, "vote": vote, "product": product}
"""Ways to make one of many that look at nothing but what is said."""
SLICE = "slice"
"""The way that takes one member's word, by the slice a row belongs to."""
ROUTED = "routed"
"""The way that takes one member's word, by what the row is like."""


@dataclass(frozen=True, slots=True)
class Slices:
    """Which member answers which slice."""

    best: dict[str, int]
    other: int
    """Who answers slices that were not measured, or on too few rows."""

    @staticmethod
    def measure(slices: Sequence[str], right: Floats, least: int = LEAST) -> Slices:
        """The member that is best on each slice's rows and, of those that are equal there, the best one over all.

        Args:
            slices: the slice of each held-out row.
            right: float[members, rows], how well each member did.
            least: rows below which a slice is left to the best over all.
        """
        overall, named = right.mean(axis=1), np.asarray(slices)
        best = {}
        for name in dict.fromkeys(slices):
            inside = named == name
            if inside.sum() >= least:
                best[name] = int(np.lexsort((overall, right[:, inside].mean(axis=1)))[-1])
        return Slices(best, int(overall.argmax()))

    def choose(self, logs: Floats, slices: Sequence[str]) -> Floats:
        """float[rows, labels]: of each row what the member for its slice says."""
        return assigned(logs, np.array([self.best.get(name, self.other) for name in slices], dtype=np.int64))


def assigned(logs: Floats, who: Ints) -> Floats:
    """float[rows, labels]: of each row what member `who` of it says, and the mean where that is -1."""
    said, own = mean(logs), np.flatnonzero(who >= 0)
    said[own] = logs[who[own], own]
    return said


def disagreement(logs: Floats) -> Floats:
    """float[rows], in nats: the entropy of the mean less the mean entropy, which is 0 where all members say the same.

    It is what the reply and the choice of the member tell of each other (Houlsby et al. 2011, 1112.5745): doubt about
    the model, beside the doubt that all members share.
    """
    return np.asarray(np.maximum(entropy(mean(logs)) - entropy(logs).mean(axis=0), 0.0))


def entropy(logs: Floats) -> Floats:
    """float[...], in nats, of log-probabilities float[..., labels]; what has no chance adds nothing."""
    return np.asarray(-(np.exp(logs) * np.maximum(logs, -1e4)).sum(axis=-1))


def aligned(said: Sequence[Floats], known: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], Floats]:
    """All labels that any member knows, in the order in which they come, and float[members, rows, labels] over them.

    Args:
        said: float[rows, own labels] per member.
        known: each member's own labels.
    """
    labels = tuple(dict.fromkeys(label for own in known for label in own))
    return labels, np.stack([widened(own, names, labels) for own, names in zip(said, known, strict=True)])


def widened(said: Floats, known: Sequence[str], labels: Sequence[str]) -> Floats:
    """float[rows, labels]: what a member says of its own labels, float[rows, known], as a word on all of them."""
    logs = np.full((len(said), len(labels)), np.log(UNKNOWN))
    logs[:, [labels.index(name) for name in known]] = said
    return _normal(logs)


def _normal(logs: Floats) -> Floats:
    return np.asarray(logs - np.logaddexp.reduce(logs, axis=-1)[..., None])
