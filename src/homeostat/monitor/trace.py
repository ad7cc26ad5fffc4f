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
    """One point of the course, for one or more interactions in a row."""

    time: float
    """Time of the last of them, in seconds since 1970."""
    values: tuple[float, ...]
    """Per channel, the highest log10 of the statistic among them."""


class Trace:
    """Fewer than `POINTS` points. When they would be as many, neighbors are joined, and a new one takes twice the rows.

    A point keeps the highest value and not the last, so that no peak is thinned away.
    """

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._stride = 1
        self._rest: Point | None = None  # the rows since the last full point, of which there are `_rows`
        self._rows = 0

    @property
    def points(self) -> tuple[Point, ...]:
        """Oldest first; the last may stand for fewer rows than the others."""
        return (*self._points, *((self._rest,) if self._rest else ()))

    def extend(self, times: Floats, log10: Floats) -> None:
        """Add rows: seconds since 1970, and float64[rows, channels]."""
        at = 0
        while at < len(times):
            until = min(len(times), at + self._stride - self._rows)
            point = Point(time=float(times[until - 1]), values=tuple(log10[at:until].max(axis=0).tolist()))
            self._rest = _join(self._rest, point) if self._rest else point
            self._rows += until - at
            at = until
            if self._rows == self._stride:
                self._close(self._rest)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        rows = [[point.time, *point.values] for point in self.points]
        return {"points": rows, "stride": self._stride, "rows": self._rows}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        points = [Point(time=row[0], values=tuple(row[1:])) for row in state["points"]]
        self._stride, self._rows = int(state["stride"]), int(state["rows"])
        self._rest = points.pop() if self._rows else None
        self._points = points

    def _close(self, point: Point) -> None:
        self._points.append(point)
        self._rest, self._rows = None, 0
        if len(self._points) == POINTS:
            self._points = [_join(*pair) for pair in zip(self._points[::2], self._points[1::2], strict=True)]
            self._stride *= 2


def _join(first: Point, second: Point) -> Point:
    return Point(time=second.time, values=tuple(map(max, first.values, second.values)))
