"""The e-detector on each slice of the traffic: a change that few requests meet is lost among all, and plain there.

Which slices are told of is e-d-BH's choice (Dandapanthula and Ramdas 2025, 2501.04130): the k with the largest M, for
the largest k for which all of these are at least K c / k. Here K is not the number of slices, but of ways to slice
(tags, and the reply): M of a slice has a mean of at most the number of its own rows, the slices of one tag share the
rows among them, and so all slices together have at most K times the number of all rows. Hence, at whatever row one
stops, of the slices told of a share has not moved that is on average at most the number of rows divided by c, however
they depend on each other; and while nothing moves at all, the first one comes on average no sooner than every c rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.detectors.shiryaev_roberts import BETS, Alarm, ShiryaevRoberts, log_bets, log_mean
from homeostat.monitor.reference import Histogram

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ranks = Mapping[str, tuple[Ints, Floats]]
"""Per slice, numbers of its rows and something of each of them."""

VALUES = 50
"""Different values of a tag, or replies, from which on they are names or texts, and no slices are watched."""


class Sliced:
    """A reference and the evidence per slice. A slice is named `tag=value`; one that is told of begins anew."""

    def __init__(self, edges: Sequence[Floats], threshold: float) -> None:
        """`edges` of each channel's bins; `threshold` is the mean number of rows to a false alarm."""
        self._edges, self.threshold = list(edges), threshold
        self._slices: dict[str, _Slice] = {}
        self._closed: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The slices watched."""
        return tuple(self._slices)

    def begin_anew(self) -> None:
        """Forget all evidence, and no reference."""
        for own in self._slices.values():
            own.evidence.begin_anew(0.0)

    def forget(self, edges: Sequence[Floats]) -> None:
        """Forget references and evidence: what is ranked has another meaning, with these edges, from now on."""
        self._edges = list(edges)
        self._slices = {name: _Slice(self._edges) for name in self._slices}

    def rank(self, values: Floats, u: Floats, places: Sequence[Sequence[str]]) -> Ranks:
        """Per slice, numbers of its rows and their p-values, float64[rows of it, channels], against those before.

        `values` and lots are float64[rows, channels]; `places` holds the slices of each row.
        """
        rows: dict[str, list[int]] = {}
        for row, names in enumerate(places):
            for name in names:
                if self._open(name):
                    rows.setdefault(name, []).append(row)
        found = {}
        for name in [name for name in rows if name in self._slices]:
            at = np.array(rows[name])
            found[name] = at, self._slices[name].rank(values[at], u[at])
        return found

    def scan(self, p: Ranks, times: Floats, at: int, until: int) -> tuple[int, list[Alarm]]:
        """Take rows from `at` to before `until`, at most 1024, up to an alarm: the row after it, and the alarms.

        `p` is what `rank` gave. An alarm's statistic is M k / K, which is at least the threshold.
        """
        bets = {}
        for name, (rows, ranks) in p.items():
            own = (rows >= at) & (rows < until)
            if own.any():
                bets[name] = rows[own], log_bets(ranks[own])
        stop, told = self._first(bets, at, until)
        for name, (rows, logs) in bets.items():
            own = rows < stop
            if own.any():
                self._slices[name].evidence.scan(logs[own], times[rows[own]])
        beyond = math.log(self.ways / max(len(told), 1))
        levels = {name: self._slices[name].evidence.level - beyond for name in told}
        return stop, [replace(self._slices[n].evidence.begin_anew(level), slice=n) for n, level in levels.items()]

    def rows(self, name: str) -> int:
        """Rows of a slice that were taken since the start."""
        return self._slices[name].evidence.rows

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        slices = {name: own.state() for name, own in self._slices.items()}
        return {"closed": sorted(self._closed), "slices": slices}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave; the edges must be those that it was made with."""
        self._closed = set(state["closed"])
        self._slices = {name: _Slice(self._edges) for name in state["slices"]}
        for name, own in self._slices.items():
            own.load(state["slices"][name])

    def _open(self, name: str) -> bool:
        """Whether the slice is watched; a new one is from now on, unless its tag has too many values."""
        tag = name.partition("=")[0]
        if name in self._slices or tag in self._closed:
            return name in self._slices
        alike = [other for other in self._slices if other.partition("=")[0] == tag]
        if len(alike) < VALUES:
            self._slices[name] = _Slice(self._edges)
            return True
        self._closed.add(tag)
        for other in alike:
            del self._slices[other]
        return False

    def ahead(self, bets: Ranks, at: int, until: int) -> Floats:
        """Log M of each slice after each row from `at` to before `until`, float64[rows, slices], if they were taken.

        `bets` holds per slice its rows' numbers and their log-bets. None is taken, and none begins anew.
        """
        names = list(self._slices)
        heights = np.tile([self._slices[name].evidence.level for name in names], (until - at, 1))
        for k, name in enumerate(names):
            if name in bets:
                rows, logs = bets[name]
                last = np.searchsorted(rows - at, np.arange(until - at), side="right")
                path = np.append(heights[:1, k], log_mean(self._slices[name].evidence.ahead(logs)))
                heights[:, k] = path[last]
        return heights

    def _first(self, bets: Ranks, at: int, until: int) -> tuple[int, list[str]]:
        """The row after the first at which slices are told of, and these; the last row's and none, if there is none."""
        names, heights = list(self._slices), self.ahead(bets, at, until)
        for row in np.flatnonzero(heights.max(axis=1, initial=-np.inf) >= self._lines(len(names))[-1:].sum()).tolist():
            enough = np.flatnonzero(np.sort(heights[row])[::-1] >= self._lines(len(names)))
            if len(enough):
                told = np.argsort(-heights[row])[: enough[-1] + 1]
                return at + row + 1, [names[k] for k in told.tolist()]
        return until, []

    @property
    def ways(self) -> int:
        """Ways to slice."""
        return max(1, len({name.partition("=")[0] for name in self._slices}))

    def _lines(self, slices: int) -> Floats:
        """What the k-th largest must have for k to be told of, for each k: natural logarithm of K c / k."""
        return np.asarray(math.log(self.ways * self.threshold) - np.log(np.arange(1, slices + 1)), dtype=np.float64)


class _Slice:
    """What is normal in a slice, and the evidence that it no longer is."""

    def __init__(self, edges: Sequence[Floats]) -> None:
        self.histograms = [Histogram(one) for one in edges]
        self.evidence = ShiryaevRoberts(BETS * len(edges), math.inf)

    def rank(self, values: Floats, u: Floats) -> Floats:
        columns = zip(self.histograms, values.T, u.T, strict=True)
        return np.column_stack([histogram.rank(column, ties) for histogram, column, ties in columns])

    def state(self) -> dict[str, Any]:
        counts = [{str(bin): int(h.counts[bin]) for bin in np.flatnonzero(h.counts)} for h in self.histograms]
        return {"counts": counts, "evidence": self.evidence.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        for histogram, counts in zip(self.histograms, state["counts"], strict=True):
            for bin, n in counts.items():
                histogram.counts[int(bin)] = n
        self.evidence.load(state["evidence"])
