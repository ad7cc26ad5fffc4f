"""What a feature is: a shape, a unit, and a function from interactions to values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homeostat.types.interaction import Interaction

Rows: TypeAlias = Sequence[Interaction]
Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.str_]
Values: TypeAlias = NDArray[Any]
"""Floats or labels, by the feature's shape."""


LONGEST = 80
"""Characters of a label that are read: an array of texts takes as much for each as for its longest."""


class Shape(StrEnum):
    """What the values of a feature are."""

    NUMBER = "number"
    """float64[rows]; NaN where unknown."""
    LABEL = "label"
    """str[rows]; empty where unknown."""
    VECTOR = "vector"
    """float64[rows, columns]; NaN in a row that is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A named thing that can be read off an interaction."""

    shape: Shape
    unit: str
    """What a value counts, as it is said after a mean: `words per request`."""
    of: Callable[[Rows, Rows], Values]
    """From rows to their values. The second rows are known ones to measure against; most features pass them over."""
    learns: bool = False
    """Whether the known rows matter. They must then be none of the rows that are compared: a text is never strange
    beside itself, so rows that were known would seem more familiar than new ones although nothing has moved.
    """
    twin: str = ""
    """Another feature that moves if and only if this one does. This one is compared only if it is named: one move told
    twice would cost all others in the correction for many.
    """


def known_rows(values: Values) -> Values:
    """The values without those that are unknown."""
    if values.dtype.kind == "U":
        known = values != ""
    else:
        known = np.isfinite(values) if values.ndim == 1 else np.isfinite(values).all(axis=1)
    return np.asarray(values[known])
