"""Quality slice by slice: the same three ways to tell it, of the requests that have a value in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.errors import UnknownPlugin
from homeostat.monitor.catalogue import FEATURES
from homeostat.monitor.features.feature import Rows, Shape
from homeostat.monitor.quality.course import Labels, Told, Window, window

MOST = 20
"""Slices that are told of, the largest ones."""
REST = "(others)"
"""What the requests of all other slices are called, and those of which the value is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The requests of one value."""

    value: str
    window: Window


def values_of(rows: Rows, by: str) -> list[str]:
    """Of each row its value: of a tag of this name where any row has one, else of a feature that gives labels, such as
    `language` or `reply`; empty where it has none.

    Raises:
        UnknownPlugin: no row has such a tag and there is no such feature, or its values are no labels.
    """
    if any(by in row.tags for row in rows):
        return [row.tags.get(by, "") for row in rows]
    feature = FEATURES.get(by) if by in FEATURES.names() else None
    if feature is None or feature.shape is not Shape.LABEL:
        known = sorted({tag for row in rows for tag in row.tags})
        fix = f"tags are {', '.join(known)}" if known else "language, script and reply are known of every request"
        raise UnknownPlugin(f"no request has a tag '{by}', and no feature that gives labels is called so", fix=fix)
    return [str(value) for value in feature.of(rows, ())]


def parts(rows: Sequence[Told], values: Sequence[str]) -> list[Part]:
    """Each slice of rows in the order of their times, the one with fewest right replies first, those of which nothing
    can be told last.

    Confidence is calibrated on the labels of all *other* requests. A slice in which it means something else is told by
    its own labels, which contradict it, as a window is in `course`.
    """
    counted = [value for value, _ in Counter(value for value in values if value).most_common(MOST)]
    named = [value if value in counted else REST for value in values]
    found = []
    for value in [*counted, REST]:
        inside = [row for row, name in zip(rows, named, strict=True) if name == value]
        if inside:
            known = Labels.of([row for row, name in zip(rows, named, strict=True) if name != value])
            found.append(Part(value=value, window=window(inside, known)))
    return sorted(found, key=_rank)


def _rank(part: Part) -> tuple[float, str]:
    score = part.window.powered or part.window.measured or part.window.estimated
    return (score.mean if score else 2.0, part.value)
