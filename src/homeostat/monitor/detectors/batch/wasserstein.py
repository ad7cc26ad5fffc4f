"""Wasserstein's distance: how far values have to be moved to make one window of the other, in their own unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.detectors.batch.permutation import PERMUTATIONS, drawn, p_value, splits
from homeostat.monitor.features.feature import Floats, Shape


@dataclass(frozen=True, slots=True)
class Wasserstein:
    """For numbers, with a permutation p-value. Its statistic can be read: 3 means that values moved by 3 on average."""

    permutations: int = PERMUTATIONS
    rows: int = 2000
    """Most rows a window it looks at."""
    seed: int = 0

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers."""
        return shape is Shape.NUMBER

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The area between the two distribution functions."""
        a, b = drawn(reference, self.rows, self.seed), drawn(current, self.rows, self.seed + 1)
        both = np.concatenate([a, b])
        order = np.argsort(both, kind="stable")
        # The weights of the rows up to a value are the difference of the distribution functions there.
        apart = np.cumsum(splits(len(a), len(b), self.permutations, self.seed)[:, order], axis=1)[:, :-1]
        distances = np.abs(apart) @ np.diff(both[order])
        return Comparison(
            name="wasserstein",
            statistic=float(distances[0]),
            p_value=p_value(distances),
            effect=float(b.mean() - a.mean()),
            n_reference=len(a),
            n_current=len(b),
        )
