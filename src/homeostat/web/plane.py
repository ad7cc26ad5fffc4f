"""The map of requests as a drawing: hollow dots before a change, filled ones since, groups by their words.

Unlike the charts over time it keeps its proportions: both axes have the same unit, so that what looks near is near.
Every place is in percent, and the stylesheet gives the drawing its shape (`svg.plane`), so that words and dots keep
their size on every page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.web import words
from homeostat.web.environment import address
from homeostat.web.svg import Caption, clean, figure, short, tag, title, word

ASPECT = 3 / 2
"""Width to height, as in the stylesheet."""
_HEIGHT = 440
_INNER = 0.98
"""Share of the requests, along each axis, that lies inside the frame; the others are held at its edge."""
_ROOM = 0.12
"""Of the span along each axis that is left free around them."""
_LINE, _LETTER = 4.2, 1.05
"""Height of a label and width of a letter in percent, as they are on a page of a common width."""
_SAID = 240
"""Characters of a request that are shown when it is pointed at."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a place on the map."""

    number: int
    name: str
    x: float
    y: float
    new: bool
    """Whether it is a topic that was not there before."""


@dataclass(frozen=True, slots=True)
class _View:
    """From the length of embeddings to percent of the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = 100 * (x - self.x[0]) / (self.x[1] - self.x[0])
        down = 100 * (1 - (y - self.y[0]) / (self.y[1] - self.y[0]))
        return min(max(across, 0.0), 100.0), min(max(down, 0.0), 100.0)


def plane(caption: Caption, points: Sequence[Row], labels: Sequence[Label], *, axes: Sequence[float], to: str) -> str:
    """The drawing. `points` have `id`, `x`, `y`, `current` and `text`, and lead to the address `to` with their id;
    `axes` are the shares of the variance that lie along each.
    """
    view = _view(points)
    middle = view.place(0.0, 0.0)
    cross = (
        tag("line", x1="0", x2="100%", y1=f"{short(middle[1])}%", y2=f"{short(middle[1])}%", class_="grid"),
        tag("line", x1=f"{short(middle[0])}%", x2=f"{short(middle[0])}%", y1="0", y2="100%", class_="grid"),
    )
    named = (
        word(f"→ {words.percent(axes[0], 0)}", x="100%", y="100%", dy=-6, text_anchor="end", class_="tick"),
        word(f"↑ {words.percent(axes[1], 0)}", x="0", y=0, dx=4, dy=12, class_="tick"),
    )
    ordered = sorted(points, key=lambda point: bool(point["current"]))
    dots = (_dot(point, view, to) for point in ordered)
    return figure(caption, _HEIGHT, "plane", *cross, *named, *dots, *_labels(labels, view))


def swatch(*, current: bool) -> str:
    """One dot, for the key under the map."""
    dot = tag("circle", cx="50%", cy=6, r=4, class_="since" if current else "before")
    return tag("svg", dot, xmlns="http://www.w3.org/2000/svg", class_="dot-swatch", height=12, aria_hidden="true")


def _view(points: Sequence[Row]) -> _View:
    """The smallest frame of the shape ASPECT around nearly all points."""
    x, y = (_span([float(point[name]) for point in points]) for name in ("x", "y"))
    wide, high = x[1] - x[0], y[1] - y[0]
    wide, high = max(wide, high * ASPECT), max(high, wide / ASPECT)
    centers = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2
    return _View(
        (centers[0] - wide / 2, centers[0] + wide / 2),
        (centers[1] - high / 2, centers[1] + high / 2),
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    cut = int(len(ordered) * (1 - _INNER) / 2)
    low, high = ordered[cut], ordered[-1 - cut]
    room = _ROOM * (high - low) or 1e-3
    return low - room, high + room


def _dot(point: Row, view: _View, to: str) -> str:
    x, y = view.place(point["x"], point["y"])
    kind = "since" if point["current"] else "before"
    text = str(point["text"])
    said = title(f"{kind}: {text[:_SAID]}{'…' if len(text) > _SAID else ''}")
    drawn = tag("circle", said, cx=f"{short(x)}%", cy=f"{short(y)}%", r=3, class_=kind)
    return tag("a", drawn, href=to + address(str(point["id"])), tabindex="-1")


def _labels(labels: Sequence[Label], view: _View) -> list[str]:
    """Names at their places, moved down where they would lie on one another; those of new topics come first."""
    taken: list[tuple[float, float, float]] = []
    drawn = []
    for label in sorted(labels, key=lambda label: (not label.new, label.number)):
        x, y = view.place(label.x, label.y)
        wide = _LETTER * (len(label.name) + 3)
        at = min(max(x, wide / 2), 100 - wide / 2) if wide < 100 else 50.0
        place = min(max(y, _LINE), 100 - _LINE)
        while any(abs(at - a) < (wide + w) / 2 and abs(place - b) < _LINE for a, b, w in taken) and place < 100:
            place += _LINE / 2
        taken.append((at, place, wide))
        drawn.append(_label(label, (x, y), (at, place)))
    return drawn


def _label(label: Label, spot: tuple[float, float], at: tuple[float, float]) -> str:
    number = tag("tspan", str(label.number), class_="number")
    name = tag("tspan", f" {clean(label.name)}", class_="name")
    kind = "place new" if label.new else "place"
    ring = tag("circle", cx=f"{short(spot[0])}%", cy=f"{short(spot[1])}%", r=11, class_="ring") if label.new else ""
    if abs(at[1] - spot[1]) > _LINE:
        ends = {"x1": at[0], "y1": at[1] - _LINE / 2, "x2": spot[0], "y2": spot[1]}
        ring += tag("line", **{name: f"{short(value)}%" for name, value in ends.items()}, class_="leader")
    text = tag("text", number, name, x=f"{short(at[0])}%", y=f"{short(at[1])}%", text_anchor="middle", class_=kind)
    return ring + text
