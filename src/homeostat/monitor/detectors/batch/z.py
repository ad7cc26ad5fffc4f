"""The difference of two means in standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from scipy import stats

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Floats, Shape


@dataclass(frozen=True, slots=True)
class Z:
    """For numbers, two-sided, each window with its own variance. Its p-value takes the means as normal: with heavy
    tails give it some hundred rows. It sees means and nothing else.
    """

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers."""
        return shape is Shape.NUMBER

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The difference of the means over its standard error, positive where the current mean is higher."""
        change = float(current.mean() - reference.mean())
        error = standard_error(reference, current)
        z = change / error if error else math.copysign(math.inf, change) if change else 0.0
        return Comparison(
            name="z",
            statistic=z,
            p_value=float(2 * stats.norm.sf(abs(z))),
            effect=change,
            n_reference=len(reference),
            n_current=len(current),
        )


def standard_error(reference: Floats, current: Floats) -> float:
    """Of the difference of the means; infinite where a window has one row."""
    if min(len(reference), len(current)) < 2:
        return math.inf
    return math.sqrt(reference.var(ddof=1) / len(reference) + current.var(ddof=1) / len(current))
