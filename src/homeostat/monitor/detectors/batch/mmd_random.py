"""Maximum mean discrepancy by random features: the kernel's mean in time that grows with the rows, not their square."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from homeostat.monitor.detectors.batch.comparison import Comparison, columns
from homeostat.monitor.detectors.batch.mmd import width_of
from homeostat.monitor.detectors.batch.permutation import PERMUTATIONS, drawn, p_value, splits
from homeostat.monitor.features.feature import Floats, Shape

_WIDTH_ROWS = 250


@dataclass(frozen=True, slots=True)
class MmdRandom:
    """For numbers and vectors, as `mmd`, whose kernel is replaced by the product of random cosines and sines (Rahimi
    and Recht 2007; for two samples Zhao and Meng 2015, 1405.2664). Exact p-values all the same: any features would give
    some.
    """

    features: int = 256
    """Random directions; each gives a cosine and a sine."""
    permutations: int = PERMUTATIONS
    rows: int = 2000
    """Most rows a window it looks at."""
    seed: int = 0

    effect: ClassVar[str] = "between the windows' means under the kernel"

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers and vectors."""
        return shape is not Shape.LABEL

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The squared distance of the windows' mean features; as effect on vectors the distance itself."""
        a, b = drawn(reference, self.rows, self.seed), drawn(current, self.rows, self.seed + 1)
        found = self.mapped(np.concatenate(columns(a, b)))
        means = splits(len(a), len(b), self.permutations, self.seed) @ found
        distances = np.square(means).sum(axis=1)
        return Comparison(
            name="mmd_random",
            statistic=float(distances[0]),
            p_value=p_value(distances),
            effect=float(b.mean() - a.mean()) if reference.ndim == 1 else math.sqrt(float(distances[0])),
            n_reference=len(a),
            n_current=len(b),
        )

    def mapped(self, both: Floats) -> Floats:
        """float64[rows, 2 features], whose products are the kernel's values on average."""
        some = drawn(both, 2 * _WIDTH_ROWS, self.seed)
        width = width_of(cdist(some, some, "sqeuclidean"))
        directions = np.random.default_rng(self.seed).normal(size=(both.shape[1], self.features)) / width
        angles = both @ directions
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / math.sqrt(self.features)
