"""The classifier two-sample test: can a classifier tell on rows it has not seen which window they are from?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import optimize, special, stats

from homeostat.monitor.detectors.batch.comparison import Comparison, columns
from homeostat.monitor.detectors.batch.permutation import drawn
from homeostat.monitor.features.feature import Floats, Shape


@dataclass(frozen=True, slots=True)
class Classifier:
    """For vectors (Lopez-Paz and Oquab 2017, 1610.06545): logistic regression, fitted on each half of the rows and
    asked about the other.

    Given what it learned, the ranks of the half it is asked about are by lot where nothing moved (Mann and Whitney), so
    each half has a standard normal deviate. The two are not independent, for each half teaches where the other
    examines, and counting right answers over both as independent alarms too often. Their mean is taken, whose variance
    is at most 1 whatever they have to do with each other: the p-value errs on the safe side.
    """

    penalty: float = 1000.0
    """Weight of half the squared length of the coefficients: heavy, for a window has few rows for so many columns."""
    rows: int = 2000
    """Most rows a window it looks at."""
    seed: int = 0

    effect: ClassVar[str] = "of pairs told apart, where 50 % is chance"

    def suits(self, feature: str, shape: Shape) -> bool:
        """Vectors."""
        return shape is Shape.VECTOR

    def __call__(self, reference: Floats, current: Floats) -> Comparison:
        """The area under the curve on unseen rows: how often a current row gets the higher score of a pair."""
        a, b = drawn(reference, self.rows, self.seed), drawn(current, self.rows, self.seed + 1)
        x, y = np.concatenate(columns(a, b)), np.repeat([0.0, 1.0], [len(a), len(b)])
        first = self._halves(len(a), len(b))
        scored = [_asked(x, y, half, self.penalty) for half in (first, ~first)]
        area, deviate = (float(value) for value in np.mean(scored, axis=0))
        return Comparison(
            name="classifier",
            statistic=area,
            p_value=float(stats.norm.sf(deviate)),
            effect=area,
            n_reference=len(a),
            n_current=len(b),
        )

    def _halves(self, n_reference: int, n_current: int) -> np.ndarray:
        """bool[rows]: half of each window, by lot."""
        rng = np.random.default_rng(self.seed)
        return np.concatenate([rng.permutation(n) < n // 2 for n in (n_reference, n_current)])


def fitted(x: Floats, y: Floats, penalty: float) -> Floats:
    """Coefficients of a logistic regression of y in {0, 1} on float64[rows, columns], the intercept last and free."""

    def loss(w: Floats) -> tuple[float, Floats]:
        margin = x @ w[:-1] + w[-1]
        wrong = special.expit(margin) - y
        value = np.logaddexp(0.0, margin).sum() - y @ margin + penalty / 2 * (w[:-1] @ w[:-1])
        return float(value), np.append(x.T @ wrong + penalty * w[:-1], wrong.sum())

    found = optimize.minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x, dtype=np.float64)


def _asked(x: Floats, y: Floats, learned: np.ndarray, penalty: float) -> tuple[float, float]:
    """Area under the curve on the rows that were not learned from, and how far above chance it is in deviations."""
    w = fitted(x[learned], y[learned], penalty)
    scores, truth = x[~learned] @ w[:-1], y[~learned] == 1
    ones, zeros, n = int(truth.sum()), int((~truth).sum()), len(truth)
    area = (stats.rankdata(scores)[truth].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    same = np.unique(scores, return_counts=True)[1].astype(np.float64)
    variance = (n + 1 - (same**3 - same).sum() / (n * (n - 1))) / (12 * ones * zeros)
    return float(area), float(area - 0.5) / math.sqrt(variance) if variance > 0 else 0.0
