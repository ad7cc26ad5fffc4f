"""Maximum mean discrepancy with a Gaussian kernel, over all pairs of rows."""

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
class Mmd:
    """For numbers and vectors, with a permutation p-value (Gretton et al. 2012, JMLR 13:723). The width of the kernel
    is the median distance of two rows. Its cost grows with the square of the rows; `mmd_random` takes more of them.
    """

    permutations: int = PERMUTATIONS
    rows: int = 500
    """Most rows a window it looks at."""
    seed: int = 0

    effect: ClassVar[str] = "between the windows' means under the kernel"

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers and vectors."""
        return shape is not Shape.LABEL

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The squared distance of the windows' means under the kernel; as effect on vectors the distance itself."""
        a, b = drawn(reference, self.rows, self.seed), drawn(current, self.rows, self.seed + 1)
        both = np.concatenate(columns(a, b))
        squares = cdist(both, both, "sqeuclidean")
        kernel = np.exp(-squares / (2 * width_of(squares) ** 2))
        distances = quadratic(splits(len(a), len(b), self.permutations, self.seed), kernel)
        apart = math.sqrt(max(float(distances[0]), 0.0))
        return Comparison(
            name="mmd",
            statistic=float(distances[0]),
            p_value=p_value(distances),
            effect=float(b.mean() - a.mean()) if reference.ndim == 1 else apart,
            n_reference=len(a),
            n_current=len(b),
        )


def width_of(squares: Floats) -> float:
    """The median distance of two different rows, of their squared distances; 1 where most rows are the same."""
    upper = squares[np.triu_indices(len(squares), k=1)]
    return math.sqrt(float(np.median(upper))) or 1.0
