"""Drift of confidence and of perplexity: is the model less sure than it was? Rank tests that look in one direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy import stats

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Floats, Shape

SURE = frozenset({"confidence", "margin"})
"""Features of which less is doubt."""
DOUBT = frozenset({"entropy", "perplexity", "request_perplexity"})
"""Features of which more is doubt."""


@dataclass(frozen=True, slots=True)
class LessSure:
    """For confidence and margin: have they fallen (Mann and Whitney 1947, one-sided, ties counted half)? A model that
    became surer is no finding here.
    """

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers that say how sure a model was."""
        return shape is Shape.NUMBER and feature in SURE

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """How often a current row is less sure than one of the reference, in [0, 1], 0.5 where nothing moved."""
        return _compared("less_sure", reference, current, -1)


@dataclass(frozen=True, slots=True)
class MorePerplexed:
    """For entropy and perplexities, the same test the other way round: have they risen?"""

    effect: ClassVar[str] = ""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Numbers that say how much a model was in doubt."""
        return shape is Shape.NUMBER and feature in DOUBT

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """How often a current row is in more doubt than one of the reference, in [0, 1], 0.5 where nothing moved."""
        return _compared("more_perplexed", reference, current, 1)


def _compared(name: str, reference: Floats, current: Floats, sign: int) -> Comparison:
    found = stats.mannwhitneyu(sign * current, sign * reference, alternative="greater", method="asymptotic")
    return Comparison(
        name=name,
        statistic=float(found.statistic) / (len(reference) * len(current)),
        p_value=float(found.pvalue),
        effect=float(current.mean() - reference.mean()),
        n_reference=len(reference),
        n_current=len(current),
    )
