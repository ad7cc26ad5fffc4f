"""Worlds in which it is known how often a reply of a given confidence is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """Replies: how sure they are, how likely they are right, and whether they are."""

    sure: Floats
    likely: Floats
    right: Floats


def world(
    rng: np.random.Generator, n: int, *, hard: float = 0.0, bold: float = 0.5, bent: float = 1.6, worse: float = 0.0
) -> World:
    """`n` replies of a model that is surer than it should be.

    Args:
        rng: what is drawn by.
        n: replies.
        hard: by how much requests are harder, in log-odds: confidence falls with the chance of being right.
        bold: log-odds by which the model is too sure.
        bent: factor by which its log-odds are too far from even.
        worse: log-odds by which replies are right less often than before, at the same confidence.
    """
    odds = rng.normal(1.5 - hard, 1.2, n)
    sure, likely = 1 / (1 + np.exp(-(bent * odds + bold))), 1 / (1 + np.exp(-(odds - worse)))
    return World(sure, likely, (rng.random(n) < likely).astype(float))
