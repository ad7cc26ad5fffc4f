"""Which interactions to show with a signal: the last few that stood out, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT = 400
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An interaction that stood out."""

    row: int
    """Its number since the start."""
    id: str
    values: tuple[float, ...]
    """One per channel, in [0, 1], low for strange; NaN where the channel does not know."""
    slices: tuple[str, ...] = ()
    """The slices that it is in, where rows are told apart."""


class Examples:
    """The newest `KEPT` interactions that stood out in any channel, at either end."""

    def __init__(self, outer: float = 0.05) -> None:
        """A row stands out if a channel's value is within `outer` of 0 or of 1."""
        self._outer = outer
        self._kept: deque[Example] = deque(maxlen=KEPT)

    def extend(self, first: int, ids: Sequence[str], values: Floats, slices: Sequence[str] = ()) -> None:
        """Look through rows, all of these slices: the first one's number, ids, float64[rows, channels] in [0, 1]."""
        with np.errstate(invalid="ignore"):
            outer = (values <= self._outer) | (values >= 1 - self._outer)
        for i in np.flatnonzero(outer.any(axis=1)).tolist():
            self._kept.append(Example(row=first + i, id=ids[i], values=tuple(values[i].tolist()), slices=tuple(slices)))

    def pick(self, since: int, channel: int, *, stranger: bool, slice: str = "") -> tuple[str, ...]:
        """Ids of at most `SHOWN` kept rows of a slice, or of all, from row `since` on, strangest in this channel first.

        `stranger=False` puts the most familiar first: what to show where traffic has become more familiar than before.
        """
        inside = [e for e in self._kept if e.row >= since and (not slice or slice in e.slices)]
        rows = [e for e in inside if not np.isnan(e.values[channel])]
        rows.sort(key=lambda e: e.values[channel], reverse=not stranger)
        return tuple(e.id for e in rows[:SHOWN])

    def state(self) -> list[list[Any]]:
        """Everything needed to go on later, as JSON values; NaN is None."""
        return [[e.row, e.id, list(e.slices), *(None if np.isnan(v) else v for v in e.values)] for e in self._kept]

    def load(self, state: Sequence[Sequence[Any]]) -> None:
        """Take over what `state` gave."""
        self._kept = deque((_example(row) for row in state), maxlen=KEPT)


def _example(row: Sequence[Any]) -> Example:
    values = tuple(float("nan") if value is None else float(value) for value in row[3:])
    slices = [row[2]] if isinstance(row[2], str) else row[2]  # older states have one name, or an empty one
    return Example(row=int(row[0]), id=str(row[1]), slices=tuple(filter(None, slices)), values=values)
