"""Reads the demo's document leniently: what is missing, null or not a number is None, and is left out of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from homeostat.types.report import Score

Document = Mapping[str, Any]


def number(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def score(value: object) -> Score | None:
    """A score from `{mean, low, high, n}` or from a plain number, which has no interval and so an n of 0."""
    if not isinstance(value, Mapping):
        mean = number(value)
        return None if mean is None else Score(mean=mean, low=mean, high=mean, n=0)
    mean, low, high, n = (number(value.get(key)) for key in ("mean", "low", "high", "n"))
    if mean is None:
        return None
    if low is None or high is None:
        return Score(mean=mean, low=mean, high=mean, n=0)
    return Score(mean=mean, low=low, high=high, n=int(n or 0))


def part(document: Document, *path: str) -> Document:
    """The object at a path of keys; an empty one where there is none."""
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def rows(document: Document, *path: str) -> list[Document]:
    """The objects in the list at a path of keys; none where there is no list."""
    found = part(document, *path[:-1]).get(path[-1])
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list | tuple) else []


def text(value: object) -> str:
    """Text as it is, a number in figures, nothing for None."""
    return "" if value is None else str(value)
