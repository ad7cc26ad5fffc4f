"""The ground that charts over time stand on: where values come to lie, axes with their labels, and marks of events.

What lies across is in percent of the plot, what lies down in pixels; only paths lie on a layer that is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.web.scale import Tick
from homeostat.web.svg import short, tag, title, word

WIDE = 1000.0
"""Width, in its own units, of the layer that is stretched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a place on the horizontal axis: a fine line with a short label above the plot."""

    x: float
    label: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values come to lie: x in the stretched layer's units or in percent, y in pixels from the top."""

    x: tuple[float, float]
    y: tuple[float, float]
    top: float
    height: float

    def across(self, value: float) -> float:
        """Place on the stretched layer, in its units."""
        return WIDE * (value - self.x[0]) / (self.x[1] - self.x[0])

    def percent(self, value: float) -> str:
        """Place across the plot, in percent."""
        return f"{short(self.across(value) / 10)}%"

    def down(self, value: float) -> float:
        """Pixels below the top of the plot, held inside it."""
        kept = min(max(value, self.y[0]), self.y[1])
        return self.height * (1 - (kept - self.y[0]) / (self.y[1] - self.y[0]))


def stretched(frame: Frame, *inside: str) -> str:
    """The layer that is stretched to the width of the plot."""
    box = f"0 0 {short(WIDE)} {short(frame.height)}"
    return tag("svg", *inside, viewBox=box, preserveAspectRatio="none", y=frame.top, width="100%", height=frame.height)


def polyline(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    """The data of a path through (x, y); a NaN breaks it, and a point alone is a short stroke."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isnan(y):
            pieces.append([])
        else:
            pieces[-1].append((x, y))
    return "".join(_piece(frame, piece) for piece in pieces if piece)


def _piece(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    drawn = "M" + "L".join(f"{short(frame.across(x))} {short(frame.down(y))}" for x, y in points)
    return drawn if len(points) > 1 else f"{drawn}h4"


def stairs(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    """The data of a path where each value holds until the next."""
    first = f"M{short(frame.across(points[0][0]))} {short(frame.down(points[0][1]))}"
    return first + "".join(f"H{short(frame.across(x))}V{short(frame.down(y))}" for x, y in points[1:])


def ground(frame: Frame, down: Sequence[Tick], across: Sequence[Tick]) -> str:
    """The grid with its labels on the left and below."""
    return "".join([*(_level(frame, tick) for tick in down), *(_tick(frame, k, t) for k, t in enumerate(across))])


def _level(frame: Frame, tick: Tick) -> str:
    y = frame.top + frame.down(tick.at)
    grid = tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")
    return grid + word(tick.label, x="0", dx=-8, y=y, dy="0.32em", text_anchor="end", class_="tick")


def _tick(frame: Frame, number: int, tick: Tick) -> str:
    """A label under the axis, inside the plot at its ends; every other one gives way on narrow pages."""
    at = frame.across(tick.at) / WIDE
    anchor = "start" if at < 0.04 else "end" if at > 0.94 else "middle"
    y, kind = frame.top + frame.height, "tick" if number % 2 == 0 else "tick between"
    small = tag("line", x1=frame.percent(tick.at), x2=frame.percent(tick.at), y1=y, y2=y + 4, class_="grid")
    return small + word(tick.label, x=frame.percent(tick.at), y=y + 17, text_anchor=anchor, class_=kind)


def marked(frame: Frame, mark: Mark) -> str:
    """The fine line of an event, with its label above the plot."""
    at = frame.percent(mark.x)
    return tag(
        "g",
        title(mark.says or mark.label),
        tag("line", x1=at, x2=at, y1=frame.top - 4, y2=frame.top + frame.height, class_="mark"),
        word(mark.label, x=at, y=frame.top - 9, text_anchor="middle", class_="word"),
    )
