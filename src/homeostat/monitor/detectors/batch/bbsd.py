"""Black-box shift detection: what a classifier says of the requests stands for the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Floats, Shape


@dataclass(frozen=True, slots=True)
class Bbsd:
    """For the feature `prediction`: Kolmogorov–Smirnov on the probability of each label, the smallest p-value times the
    number of labels (Rabanser, Günnemann and Lipton 2019, 1810.11953, where it beat tests on the inputs). It sees
    labels that come more often, and labels of which the model has become less sure.
    """

    effect: ClassVar[str] = "in the mean probability of a label"

    def suits(self, feature: str, shape: Shape) -> bool:
        """Predictions alone."""
        return feature == "prediction" and shape is Shape.VECTOR

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The largest distance among the labels; as effect the change of that label's mean probability."""
        found = [stats.ks_2samp(a, b, method="asymp") for a, b in zip(reference.T, current.T, strict=True)]
        place = int(np.argmax([one.statistic for one in found]))
        return Comparison(
            name="bbsd",
            statistic=float(found[place].statistic),
            p_value=min(1.0, float(found[place].pvalue) * len(found)),
            effect=float(current[:, place].mean() - reference[:, place].mean()),
            n_reference=len(reference),
            n_current=len(current),
        )
