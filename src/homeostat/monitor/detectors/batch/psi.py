"""The population stability index: how far shares have moved, in the unit that credit scoring made usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from homeostat.monitor.detectors.batch.chi_square import counts, largest_change
from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Floats, Shape, Values

LIMIT = 0.2
"""Usual reading: below 0.1 nothing, above 0.2 something to look at."""
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Psi:
    """For numbers, over tenths of the reference, and for labels. It has a usual limit and no p-value: the limit says
    how large a change is and not how sure, so small windows pass it by chance (its mean is about (bins - 1) (1/n + 1/m)
    where nothing moved).
    """

    bins: int = 10

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers and labels."""
        return shape is not Shape.VECTOR

    def __call__(self, reference: Values, current: Values) -> Comparison:
        """The sum of (after - before) ln(after / before) over the shares; an empty one counts as 1e-4."""
        if reference.dtype.kind == "U":
            _, table = counts(reference, current)
            effect = largest_change(reference, current)[1]
        else:
            table = np.array([self._binned(window, reference) for window in (reference, current)])
            effect = float(current.mean() - reference.mean())
        before, after = np.maximum(table / table.sum(axis=1, keepdims=True), _LEAST)
        return Comparison(
            name="psi",
            statistic=float(((after - before) * np.log(after / before)).sum()),
            p_value=None,
            effect=effect,
            n_reference=len(reference),
            n_current=len(current),
            threshold=LIMIT,
        )

    def _binned(self, window: Floats, reference: Floats) -> Values:
        """Counts between the reference's quantiles; equal quantiles are one."""
        edges = np.unique(np.quantile(reference, np.linspace(0, 1, self.bins + 1)[1:-1]))
        return np.bincount(np.searchsorted(edges, window, side="right"), minlength=len(edges) + 1)
