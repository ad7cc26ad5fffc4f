"""What a test of two windows says, and what it must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from homeostat.monitor.features.feature import Floats, Shape, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one test saw in one feature of two windows."""

    name: str
    """Name of the test."""
    feature: str = ""
    """Name of the feature, as whoever asked the test calls it."""
    statistic: float
    p_value: float | None
    """How often so much is seen where nothing moved, for one look; None where the usual practice has a limit only."""
    effect: float
    """How much moved. Numbers: the difference of the means, in the feature's unit; labels: the largest change of a
    share; vectors: as the test says.
    """
    n_reference: int
    """Rows of the reference that the test looked at."""
    n_current: int
    threshold: float | None = None
    """The limit of the statistic that is usual in practice, where there is one."""


class Test(Protocol):
    """A test of two windows: plain values, made once, called with the known values of a feature."""

    effect: ClassVar[str]
    """What the effect on vectors is, as it is said after its number; empty where the test takes none."""

    def suits(self, feature: str, shape: Shape) -> bool:
        """Whether it can look at a feature of this name and shape."""
        ...

    def __call__(self, reference: Values, current: Values) -> Comparison:
        """What it sees. Both windows have rows, and none of their values is unknown."""
        ...


def columns(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """Both windows as float64[rows, columns].

    Numbers are one column in their own unit. The columns of vectors are centered and divided by their deviation in both
    windows together, in which neither is told from the other, for a few columns of a hidden state would drown the rest;
    but by no less than the median deviation, for a column that is seldom anything would be blown up.
    """
    if reference.ndim == 1:
        return reference[:, None], current[:, None]
    both = np.concatenate([reference, current])
    spread = both.std(axis=0)
    scale = np.maximum(spread, np.median(spread) + 1e-12)
    centered = (both - both.mean(axis=0)) / scale
    return centered[: len(reference)], centered[len(reference) :]
