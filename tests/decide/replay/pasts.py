"""Histories in which it is known what a model of any age would have had right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from homeostat.decide.replay.history import History


def past(
    quality: np.ndarray,
    *,
    rows: int = 50,
    requests: Sequence[float] = (),
    told: float = 1.0,
    seed: int = 0,
    days: float = 1.0,
) -> History:
    """A history whose models are right as often as float[models, steps] says, each reply drawn; a step lasts `days`.

    A row is as hard for one model as for another: what one has wrong, a worse one has wrong too.
    """
    steps, rng = len(quality), np.random.default_rng(seed)
    step = np.repeat(np.arange(steps), rows)
    hard = rng.random(len(step))
    return History(
        times=86_400.0 * days * np.arange(steps + 1),
        requests=np.array(requests) if len(requests) else np.full(steps, 100.0),
        step=step,
        right=(hard[None] < quality[:, step]).astype(float),
        told=rng.random(len(step)) < told,
        alarms=np.zeros((steps, steps), dtype=bool),
    )


def aging(steps: int, per_step: float, best: float = 0.9) -> np.ndarray:
    """float[steps, steps]: models that lose so much with every step of their age."""
    age = np.maximum(np.arange(steps)[None] - np.arange(steps)[:, None], 0)
    return np.maximum(best - per_step * age, 0.05)
