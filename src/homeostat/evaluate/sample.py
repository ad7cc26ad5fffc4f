"""What two versions' differences on some rows show, where rows of one user, or of one episode, count as one.

Ten requests of one user fare alike, and an exact test that takes them for ten users is surer than it may be: of 1,200
rows of 400 users it calls "nothing lost" what lost the margin in one case of five. So where rows belong together a
claim has to be shown twice: by the exact test, and by the spread between clusters (`stats.clustered`); the larger
p-value counts. Rows alone get the exact test and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from homeostat.evaluate.score import Floats, PairedRow
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, apart, clusters_of
from homeostat.stats.intervals import paired
from homeostat.stats.paired import is_trinomial, mcnemar_superiority, noninferiority, tango
from homeostat.types.report import Score

_LEVEL = 0.9
"""Of the interval that a variance is told by."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Differences of some rows, candidate less champion."""

    values: Floats
    """float64[rows], each in [-1, 1]."""
    clusters: Ints | None = None
    """int64[rows]: the user or the episode of each row; None where each is by itself."""

    @staticmethod
    def of(rows: Iterable[PairedRow]) -> Sample:
        """Those of these rows, in their order."""
        kept = list(rows)
        values = np.array([row.candidate - row.champion for row in kept], dtype=np.float64)
        clusters = clusters_of([row.cluster for row in kept])
        return Sample(values, None if apart(clusters) else clusters)

    def __len__(self) -> int:
        """Rows."""
        return len(self.values)

    @property
    def worth(self) -> int:
        """Rows, those that belong together counted once: by these the power table is asked."""
        return len(self.values) if self.clusters is None else len(np.unique(self.clusters))

    @property
    def variance(self) -> float:
        """Of the differences; of clusters that of rows alone whose mean would be as uncertain as this one."""
        if self.clusters is None:
            return float(np.var(self.values))
        found = self.score(_LEVEL)
        return len(self) * ((found.high - found.low) / 2.0 / float(stats.norm.isf((1.0 - _LEVEL) / 2.0))) ** 2

    def score(self, level: float) -> Score:
        """The mean with its two-sided interval, within [-1, 1].

        Raises:
            ValueError: no rows.
        """
        nothing = np.zeros_like(self.values)
        if self.clusters is None:
            return paired(self.values, nothing, level)
        found = clustered.paired(self.values, nothing, self.clusters, level)
        return replace(found, low=max(found.low, -1.0), high=min(found.high, 1.0))

    def p_above(self, bound: float) -> float:
        """p-value of the null hypothesis that the mean difference is at most `bound`.

        McNemar's exact test for a bound of 0, the exact unconditional one below, Tango's score test above; Student's t
        for other numbers than won, lost and neither. Clusters have to show it by themselves besides.
        """
        alone = _p_alone(self.values, bound)
        if self.clusters is None or not len(self.values):
            return alone
        return max(alone, clustered.p_above(self.values, bound, self.clusters))

    def p_lost(self) -> float:
        """p-value of the null hypothesis that nothing was lost: McNemar's exact test, or Student's t; and clusters."""
        if is_trinomial(self.values):
            p = mcnemar_superiority(int((self.values < 0.0).sum()), int((self.values > 0.0).sum()))
        else:
            p = float(stats.ttest_1samp(self.values, 0.0, alternative="less").pvalue)
        return p if self.clusters is None else max(p, clustered.p_above(-self.values, 0.0, self.clusters))


def _p_alone(values: Floats, bound: float) -> float:
    """The same of rows each by itself."""
    if not is_trinomial(values):
        return noninferiority(values - bound, 0.0) if len(values) > 1 else 1.0
    wins, losses = int((values > 0.0).sum()), int((values < 0.0).sum())
    if bound == 0.0:
        return mcnemar_superiority(wins, losses)
    if bound < 0.0:
        return noninferiority(values, -bound)
    return float(stats.norm.sf(tango(np.array([wins]), np.array([losses]), len(values), bound)[0]))
