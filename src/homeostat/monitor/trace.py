"""The course of the statistic, thinned: any length of traffic in a fixed number of points, for plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POINTS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of the course."""

    time: float
    """Time of the last interaction it stands for, in seconds since 1970."""
    log10: tuple[float, ...]
    """Highest log10 of each channel's statistic among the interactions it stands for."""


class Trace:
    """At most `POINTS` points. When they are full, neighbors are joined and each new one stands for twice as many rows.

    A point keeps the maximum and not the last value, so that no peak is thinned away.
    """

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._stride = 1
        self._open: list[Point] = []

    @property
    def points(self) -> tuple[Point, ...]:
        """Oldest first; the last one may stand for fewer rows than the others."""
        return (*self._points, *([_join(self._open)] if self._open else []))

    def extend(self, times: Floats, log10: Floats) -> None:
        """Add rows: seconds since 1970, and float64[rows, channels]."""
        at = 0
        while at < len(times):
            take = slice(at, at + self._stride - sum(1 for _ in self._open))
            at = take.stop
            self._open.append(Point(time=float(times[take][-1]), log10=tuple(log10[take].max(axis=0).tolist())))
            self._close(len(times[take]))

    def _close(self, rows: int) -> None:
        raise NotImplementedError
