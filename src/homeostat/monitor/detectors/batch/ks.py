"""Kolmogorov–Smirnov: the largest distance of two distribution functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy import stats

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Floats, Shape

_EXACT = 100


@dataclass(frozen=True, slots=True)
class Ks:
    """For numbers, two-sided (Smirnov 1939). Exact up to 100 rows a window, asymptotic above; with ties it errs on the
    safe side. It sees a change of any kind, and each kind less well than a test for that kind would.
    """

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers."""
        return shape is Shape.NUMBER

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The distance, in [0, 1], and its p-value."""
        small = max(len(reference), len(current)) <= _EXACT
        found = stats.ks_2samp(reference, current, method="exact" if small else "asymp")
        return Comparison(
            name="ks",
            statistic=float(found.statistic),
            p_value=float(found.pvalue),
            effect=float(current.mean() - reference.mean()),
            n_reference=len(reference),
            n_current=len(current),
        )
