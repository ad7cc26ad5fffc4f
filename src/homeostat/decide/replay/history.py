"""How right every model that could have been trained would have been, at every later step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """Time in steps; model i was trained with everything that was known before step i, and 0 is the first champion."""

    times: Floats
    """float64[steps + 1]: when each step begins, in seconds since 1970, and when the last one ends."""
    requests: Floats
    """float64[steps]: requests of each step, labeled or not."""
    step: Ints
    """int64[rows]: the step of each labeled row, rising."""
    right: NDArray[np.floating[Any]]
    """float[models, rows] in [0, 1]: how right each model's reply would have been; unread where the model is younger
    than the row.
    """
    told: Bools
    """bool[rows]: whether a policy is shown the label; the others measure how it did and nothing else."""
    alarms: NDArray[Any]
    """float[models, steps]: where a drift detector that was started with a model alarmed in a step, its statistic in
    units of its threshold; 0 where it did not.
    """
    heads: NDArray[np.floating[Any]] | None = None
    """float[models, rows]: how right a head of the same age as each model is, where the models are no heads themselves:
    what a policy measures gains by is one head beside another. None where they are the models.
    """

    def __post_init__(self) -> None:
        models, rows = self.right.shape
        if not len(self.requests) == len(self.times) - 1 == models == len(self.alarms) or rows != len(self.step):
            raise ValueError(f"{models} models and {rows} rows beside {len(self.requests)} steps")
        if self.heads is not None and self.heads.shape != self.right.shape:
            raise ValueError(f"heads {self.heads.shape} beside models {self.right.shape}")

    @property
    def steps(self) -> int:
        """Number of steps, and of models."""
        return len(self.requests)

    @cached_property
    def quality(self) -> Floats:
        """float64[models, steps]: the mean over a step's rows; a step without rows is taken to be as the one before."""
        found = np.zeros((self.steps, self.steps))
        for t in range(self.steps):
            rows = self.step == t
            found[:, t] = self.right[:, rows].mean(axis=1) if rows.any() else found[:, t - 1]
        return found

    def shown(self, model: int, step: int) -> Floats:
        """float[n]: how right a model was on the rows of a step that a policy is shown."""
        return self._of(self.right, model, step)

    def headed(self, model: int, step: int) -> Floats:
        """float[n]: how right the head of a model's age was on the same rows."""
        return self._of(self.right if self.heads is None else self.heads, model, step)

    def _of(self, right: NDArray[np.floating[Any]], model: int, step: int) -> Floats:
        return np.asarray(right[model, (self.step == step) & self.told], dtype=np.float64)
