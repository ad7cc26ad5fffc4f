"""Energy distance: are rows of different windows farther apart than rows of the same?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from homeostat.monitor.detectors.batch.comparison import Comparison, columns
from homeostat.monitor.detectors.batch.permutation import PERMUTATIONS, drawn, p_value, quadratic, splits
from homeostat.monitor.features.feature import Floats, Shape


@dataclass(frozen=True, slots=True)
class Energy:
    """For numbers and vectors, with a permutation p-value (Székely and Rizzo 2013, Journal of Statistical Planning and
    Inference 143:1249): twice the mean distance between windows, less the mean distances within. Its cost grows with
    the square of the rows.
    """

    permutations: int = PERMUTATIONS
    rows: int = 500
    """Most rows a window it looks at."""
    seed: int = 0

    effect: ClassVar[str] = "of the distance between the windows"

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers and vectors."""
        return shape is not Shape.LABEL

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The distance; as effect on vectors the share of the distance between the windows that is not within them."""
        a, b = drawn(reference, self.rows, self.seed), drawn(current, self.rows, self.seed + 1)
        both = np.concatenate(columns(a, b))
        apart = cdist(both, both)
        distances = -quadratic(splits(len(a), len(b), self.permutations, self.seed), apart)
        between = 2 * float(apart[: len(a), len(a) :].mean())
        share = max(float(distances[0]), 0.0) / between if between else 0.0
        return Comparison(
            name="energy",
            statistic=math.sqrt(max(float(distances[0]), 0.0)),
            p_value=p_value(distances),
            effect=float(b.mean() - a.mean()) if reference.ndim == 1 else share,
            n_reference=len(a),
            n_current=len(b),
        )
