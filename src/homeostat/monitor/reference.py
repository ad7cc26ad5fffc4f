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
from homeostat.monitor.seasons import ALL, HourlyCounts, Season, hours_of, packed, unpacked
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 512
"""Bins of the histograms that ranks are read from. Finer ones cost memory, coarser ones make strange rows alike."""
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
    """The channels of one task: how to score an interaction, and the counts of what is normal in each."""

    def __init__(self, index: NeighborIndex, bins: int) -> None:
        """An index without rows (a model without embeddings) leaves the confidence channel alone."""
        self.index = index
        edges = {CONFIDENCE: confidence_edges(bins)} | ({NEIGHBORS: neighbor_edges(bins)} if len(index) else {})
        self._histograms = {name: Histogram(one) for name, one in edges.items()}
        self._hourly = {name: HourlyCounts(coarse(one)) for name, one in edges.items()}
        self._season = Season(len(edges))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of every array's columns."""
        return tuple(self._histograms)

    @property
    def edges(self) -> list[Floats]:
        """Per channel, edges of bins as they are where rows are told apart by more than their score."""
        return [hourly.edges for hourly in self._hourly.values()]

    @property
    def n(self) -> int:
        """Interactions the reference knows."""
        return self._histograms[CONFIDENCE].n

    @property
    def cells(self) -> int:
        """How many parts of the week are told apart now: 1, 24 or 168."""
        return self._season.cells

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

    def learn(self, scores: Floats, times: Floats) -> None:
        """Count float64[rows, channels] of these times, seconds since 1970, as normal, without ranking them."""
        hours = hours_of(times)
        for pooled, hourly, column in zip(self._histograms.values(), self._hourly.values(), scores.T, strict=True):
            pooled.learn(column)
            hourly.learn(column, hours)

    def rank(self, scores: Floats, u: Floats, times: Floats) -> Floats:
        """P-values of float64[rows, channels] with as many uniform numbers; the reference grows by the rows.

        All rows are of one UTC day. Each score is ranked among those before it in the same part of the week, once
        parts have been seen to differ, and among all before it until then.
        """
        self._season.begin(float(times[0]))
        hours, pairs = hours_of(times), list(zip(scores.T, u.T, strict=True))
        pooled = [h.rank(x, ties) for h, (x, ties) in zip(self._histograms.values(), pairs, strict=True)]
        self._season.learn(np.column_stack(pooled), hours)
        if self.cells > ALL:
            hourly = zip(self._hourly.values(), pairs, strict=True)
            return np.column_stack([h.rank(x, ties, hours, self.cells) for h, (x, ties) in hourly])
        for h, (x, _) in zip(self._hourly.values(), pairs, strict=True):
            h.learn(x, hours)
        return np.column_stack(pooled)

    def state(self) -> dict[str, Any]:
        """Counts per channel, and what is known of seasons, as JSON values."""
        return {
            "counts": {name: histogram.counts.tolist() for name, histogram in self._histograms.items()},
            "hourly": {name: packed(hourly.counts) for name, hourly in self._hourly.items()},
            "season": self._season.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        for name, histogram in self._histograms.items():
            histogram.counts = np.array(state["counts"][name], dtype=np.int64)
        for name, hourly in self._hourly.items():
            hourly.counts = unpacked(state["hourly"][name], hourly.counts.shape)
        self._season.load(state["season"])


def coarse(edges: Floats) -> Floats:
    """A quarter of the edges: counts that are kept many times over need not be so fine."""
    return edges[::4].copy()


def split(interactions: Sequence[Interaction], seed: int, share: float = 0.5) -> tuple[Vectors, list[Interaction]]:
    """Index and calibration from the same traffic: embeddings of a random `share`, and the other interactions.

    The two share no row, and which row goes where is a coin's choice, not time's.
    """
    order = np.random.default_rng(seed).permutation(len(interactions))
    cut = int(share * len(interactions))
    chosen = [interactions[i] for i in order[:cut]]
    return vectors(chosen), [interactions[i] for i in sorted(order[cut:])]
