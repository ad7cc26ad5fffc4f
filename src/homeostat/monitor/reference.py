"""What is normal: the scores seen so far, kept as counts, and the conformal p-value of each new score against them.

Why the p-values are exact. The index is fixed and shares no row with the calibration; the edges of the bins are
constants. So a score, and the bin it falls into, is a function of its own interaction alone, and while nothing moves
the binned scores of calibration and stream are exchangeable. The rank of each among all before it, ties broken by
a uniform number, is then uniform on [0, 1] and independent of the ranks before it (Vovk et al. 2021, 2102.10439):
not nearly, and at any size of the reference. Binning costs a little power and no validity.

The reference grows: each score is counted once it has been ranked. Against a fixed window the same p-values are *not*
independent (all of them share the window's luck), and the rate of false alarms is several times the nominal one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.channels import (
    CONFIDENCE,
    NEIGHBORS,
    NeighborIndex,
    Vectors,
    confidence_edges,
    confidence_score,
    neighbor_edges,
    vectors,
)
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rows ranked at once; the comparison of a chunk with itself costs its square.
_ROWS = 256


class Histogram:
    """Counts of the scores of one channel in bins with fixed edges."""

    def __init__(self, edges: Floats) -> None:
        """`edges` rise; there is one bin more than edges."""
        self.edges = edges
        self.counts: Ints = np.zeros(len(edges) + 1, dtype=np.int64)

    @property
    def n(self) -> int:
        """Scores counted."""
        return int(self.counts.sum())

    def learn(self, scores: Floats) -> None:
        """Count scores without ranking them; NaN is passed over."""
        known = scores[~np.isnan(scores)]
        self.counts += np.bincount(self._bins(known), minlength=len(self.counts))

    def rank(self, scores: Floats, u: Floats) -> Floats:
        """The conformal p-value of each score against all before it, the ones in this call included; then count it.

        p = (stranger + u * (as strange + 1)) / (n + 1) with `u` uniform on (0, 1]: small for a strange score. A NaN
        has no p-value (NaN) and is not counted.
        """
        p = np.full(len(scores), np.nan)
        known = np.flatnonzero(~np.isnan(scores))
        bins = self._bins(scores[known])
        for i in range(0, len(known), _ROWS):
            rows = known[i : i + _ROWS]
            p[rows] = self._rank(bins[i : i + _ROWS], u[rows])
        return p

    def _rank(self, bins: Ints, u: Floats) -> Floats:
        at_least = self.counts[::-1].cumsum()[::-1]
        same = self.counts[bins]
        stranger = at_least[bins] - same
        before = np.tri(len(bins), k=-1, dtype=bool)
        stranger = stranger + ((bins[None] > bins[:, None]) & before).sum(axis=1)
        same = same + ((bins[None] == bins[:, None]) & before).sum(axis=1)
        n = at_least[0] + np.arange(len(bins))
        self.counts += np.bincount(bins, minlength=len(self.counts))
        return np.asarray((stranger + u * (same + 1)) / (n + 1), dtype=np.float64)

    def _bins(self, scores: Floats) -> Ints:
        return np.searchsorted(self.edges, scores, side="right").astype(np.int64)


class Reference:
    """The channels of one task: how to score an interaction, and the histogram of what is normal in each."""

    def __init__(self, index: NeighborIndex, bins: int) -> None:
        """An index without rows (a model without embeddings) leaves the confidence channel alone."""
        self.index = index
        self._histograms = {CONFIDENCE: Histogram(confidence_edges(bins))}
        if len(index):
            self._histograms[NEIGHBORS] = Histogram(neighbor_edges(bins))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of every array's columns."""
        return tuple(self._histograms)

    @property
    def n(self) -> int:
        """Interactions the reference knows."""
        return self._histograms[CONFIDENCE].n

    def scores(self, interactions: Sequence[Interaction]) -> Floats:
        """Strangeness, float64[rows, channels]; NaN where an interaction lacks what a channel reads.

        Raises:
            ValueError: embeddings of another width than the index.
        """
        columns = [np.array([confidence_score(i) for i in interactions], dtype=np.float64)]
        if NEIGHBORS in self._histograms:
            x = vectors(interactions)
            columns.append(self.index.distance(x) if x.shape[1] else np.full(len(interactions), np.nan))
        return np.column_stack(columns)

    def learn(self, scores: Floats) -> None:
        """Count float64[rows, channels] as normal, without ranking them."""
        for histogram, column in zip(self._histograms.values(), scores.T, strict=True):
            histogram.learn(column)

    def rank(self, scores: Floats, u: Floats) -> Floats:
        """P-values of float64[rows, channels] with as many uniform numbers; the reference grows by the rows."""
        columns = zip(self._histograms.values(), scores.T, u.T, strict=True)
        return np.column_stack([histogram.rank(column, ties) for histogram, column, ties in columns])

    def state(self) -> dict[str, list[int]]:
        """Counts per channel, as JSON values."""
        return {name: histogram.counts.tolist() for name, histogram in self._histograms.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over counts that `state` gave."""
        for name, histogram in self._histograms.items():
            histogram.counts = np.array(state[name], dtype=np.int64)


def split(interactions: Sequence[Interaction], seed: int, share: float = 0.5) -> tuple[Vectors, list[Interaction]]:
    """Index and calibration from the same traffic: embeddings of a random `share`, and the other interactions.

    The two share no row, and which row goes where is a coin's choice, not time's.
    """
    order = np.random.default_rng(seed).permutation(len(interactions))
    cut = int(share * len(interactions))
    chosen = [interactions[i] for i in order[:cut]]
    return vectors(chosen), [interactions[i] for i in sorted(order[cut:])]
