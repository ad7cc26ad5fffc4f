"""Seasons: which hours of the day or of the week are told apart, and the counts of scores per hour.

Night traffic is not day traffic. A rank among all requests before says that something moved at every dusk; a rank among
the earlier requests of the same hour does not. But a rank among few says little, so hours are told apart only once they
have been seen to repeat.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS, DAY = 168, 24
DAY_S, HOUR_S = 86_400.0, 3_600.0
ALL, BY_DAY, BY_WEEK = 1, DAY, HOURS
"""Parts of the week that are told apart: none, the hours of a day, the hours of a week."""
SURE = 1_000.0
"""Evidence from which on hours are told apart: while nothing repeats, it comes so far once in so many watchers."""
_PRIOR = 100.0
"""Rows' worth of evenness that each hour is believed to have before it was seen."""
_MOST = 0.3
"""Most that a gambler believes an hour to be off by: it keeps every stake positive."""
# Rows ranked at once; the comparison of a chunk with itself costs its square.
_ROWS = 256


def hours_of(times: Floats) -> Ints:
    """Hour of the week in UTC, int64[rows] in [0, HOURS); 0 is the first hour of a Thursday, as 1970 began with one."""
    return (times // HOUR_S).astype(np.int64) % HOURS


def days(times: Floats) -> Iterator[slice]:
    """Stretches of rows that lie in the same UTC day, in their order."""
    cuts = np.flatnonzero(np.diff(times // DAY_S)) + 1
    edges = [0, *cuts.tolist(), len(times)]
    yield from (slice(a, b) for a, b in pairwise(edges) if b > a)


class Season:
    """Whether what is strange repeats by the hour, and how many parts of the week to tell apart.

    It is given p-values that rank each score among all before it, in whichever hour. While nothing repeats these are
    even and independent, and a gambler who bets that an hour will be as far from even as the same hour was on earlier
    days has a wealth with mean 1 at any time: it comes to SURE with probability at most 1 / SURE, however long one
    watches (Ville 1939). There is a gambler per channel for the hours of a day, and one for the hours of a week. What
    is bet is how an hour differs from the others, so that a change that lasts does not look like a season.
    """

    def __init__(self, channels: int) -> None:
        self._sums, self._n = np.zeros((channels, HOURS)), np.zeros((channels, HOURS))
        self._today = np.zeros((2, channels, DAY))
        self._day: int | None = None
        self._logs = np.zeros((channels, 2))
        self.cells = ALL
        """Parts of the week that are told apart now."""

    def begin(self, time: float) -> None:
        """The next rows are of the day of this time; if that is another one, learn from the day before."""
        day = int(time // DAY_S)
        if self._day is not None and day != self._day:
            self._settle(self._day)
        self._day = day

    def learn(self, p: Floats, hours: Ints) -> None:
        """Bet on p-values of today, float64[rows, channels], and count them; a NaN is passed over."""
        for channel, column in enumerate(p.T):
            known = ~np.isnan(column)
            off, hour = 1.0 - 2.0 * column[known], hours[known]
            for k, cells in enumerate((BY_DAY, BY_WEEK)):
                # The mean square of an even number on [-1, 1] is a third: the stake that grows fastest.
                self._logs[channel, k] += np.log1p(3.0 * self._believed(channel, cells)[hour % cells] * off).sum()
            np.add.at(self._today[0, channel], hour % DAY, off)
            np.add.at(self._today[1, channel], hour % DAY, 1.0)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "sums": self._sums.tolist(),
            "n": self._n.tolist(),
            "today": self._today.tolist(),
            "day": self._day,
            "logs": self._logs.tolist(),
            "cells": self.cells,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._sums, self._n = np.array(state["sums"]), np.array(state["n"])
        self._today, self._day = np.array(state["today"]), state["day"]
        self._logs, self.cells = np.array(state["logs"]), int(state["cells"])

    def _believed(self, channel: int, cells: int) -> Floats:
        """How far each part of the week is from the mean of all parts: what they have in common is no season."""
        sums, n = of_cells(self._sums[channel], cells), of_cells(self._n[channel], cells)
        off = sums / (n + _PRIOR)
        common = (off * n).sum() / max(n.sum(), 1.0)
        return np.asarray(np.where(n > 0, np.clip(off - common, -_MOST, _MOST), 0.0), dtype=np.float64)

    def _settle(self, day: int) -> None:
        hours = slice((day % 7) * DAY, (day % 7 + 1) * DAY)
        self._sums[:, hours] += self._today[0]
        self._n[:, hours] += self._today[1]
        self._today[:] = 0.0
        wealth = np.logaddexp.reduce(self._logs, axis=0)
        if self.cells > ALL or np.logaddexp.reduce(wealth) >= math.log(SURE * self._logs.size):
            self.cells = (BY_DAY, BY_WEEK)[int(wealth.argmax())]


class HourlyCounts:
    """Counts of one channel's scores in bins with fixed edges, per hour of the week."""

    def __init__(self, edges: Floats) -> None:
        self.edges = edges
        self.counts: Ints = np.zeros((HOURS, len(edges) + 1), dtype=np.int64)

    def learn(self, scores: Floats, hours: Ints) -> None:
        """Count scores without ranking them; NaN is passed over."""
        known = ~np.isnan(scores)
        np.add.at(self.counts, (hours[known], binned(self.edges, scores[known])), 1)

    def rank(self, scores: Floats, u: Floats, hours: Ints, cells: int) -> Floats:
        """The conformal p-value of each score among the earlier ones of the same part of the week; then count it.

        As `reference.Histogram.rank`, which it equals where all hours are one part. A first score has the p-value `u`.
        """
        p = np.full(len(scores), np.nan)
        known = np.flatnonzero(~np.isnan(scores))
        bins = binned(self.edges, scores[known])
        for i in range(0, len(known), _ROWS):
            rows = known[i : i + _ROWS]
            p[rows] = self._rank(bins[i : i + _ROWS], u[rows], hours[rows], cells)
        return p

    def _rank(self, bins: Ints, u: Floats, hours: Ints, cells: int) -> Floats:
        cell, counts = hours % cells, of_cells(self.counts, cells)
        at_least = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        before = np.tri(len(bins), k=-1, dtype=bool) & (cell[None] == cell[:, None])
        same = counts[cell, bins] + ((bins[None] == bins[:, None]) & before).sum(axis=1)
        stranger = at_least[cell, bins] - counts[cell, bins] + ((bins[None] > bins[:, None]) & before).sum(axis=1)
        n = at_least[cell, 0] + before.sum(axis=1)
        np.add.at(self.counts, (hours, bins), 1)
        return np.asarray((stranger + u * (same + 1)) / (n + 1), dtype=np.float64)


def binned(edges: Floats, scores: Floats) -> Ints:
    """Number of the bin of each score."""
    return np.searchsorted(edges, scores, side="right").astype(np.int64)


def of_cells(counts: NDArray[Any], cells: int) -> NDArray[Any]:
    """What is counted per hour of the week, [HOURS, ...], per part of the week, [cells, ...]."""
    return np.asarray(counts.reshape(HOURS // cells, cells, *counts.shape[1:]).sum(axis=0))


def packed(counts: NDArray[Any]) -> str:
    """Counts, mostly zero, as text."""
    return base64.b85encode(zlib.compress(counts.astype("<u4").tobytes())).decode()


def unpacked(text: str, shape: tuple[int, ...]) -> Ints:
    """What `packed` made of counts of this shape."""
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), "<u4").astype(np.int64).reshape(shape)
