"""Charts as SVG text, drawn here: a line with its interval, steps against a threshold, bars, curves, small strips.

A chart is as wide as the page lets it be and never scales its text: what lies across is in percent of the plot, what
lies down in pixels, and only the paths are stretched, with strokes that do not scale. The labels of the axes lie
outside the plot, in margins that the stylesheet keeps (`svg.chart`); colors are its tokens, so that charts follow the
page into the dark. Every chart has a title and a description, every color a word beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.web import scale, words
from homeostat.web.scale import Tick
from homeostat.web.svg import Caption, figure, hidden, short, tag, title, word

_WIDE = 1000.0
"""Width, in its own units, of the layer that is stretched."""
_ROW = 22
"""Pixels from one bar to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A mean with its interval at a place on the horizontal axis."""

    x: float
    mean: float
    low: float
    high: float
    says: str = ""
    """Shown when pointed at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a place on the horizontal axis: a fine line with a short label above the plot."""

    x: float
    label: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the horizontal axis with a name, drawn below it."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A named line through (x, y) points; `tone` is its class in the stylesheet."""

    name: str
    points: Sequence[tuple[float, float]]
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share in [0, 1] with its interval, in words on its left."""

    name: str
    mean: float
    low: float
    high: float
    tone: str


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where values come to lie: x in the stretched layer's units or in percent, y in pixels from the top."""

    x: tuple[float, float]
    y: tuple[float, float]
    top: float
    height: float

    def across(self, value: float) -> float:
        """Place on the stretched layer, in its units."""
        return _WIDE * (value - self.x[0]) / (self.x[1] - self.x[0])

    def percent(self, value: float) -> str:
        """Place across the plot, in percent."""
        return f"{short(self.across(value) / 10)}%"

    def down(self, value: float) -> float:
        """Pixels below the top of the plot, held inside it."""
        kept = min(max(value, self.y[0]), self.y[1])
        return self.height * (1 - (kept - self.y[0]) / (self.y[1] - self.y[0]))


def line(
    caption: Caption, dots: Sequence[Dot], *, marks: Sequence[Mark] = (), spans: Sequence[Span] = (), height: int = 220
) -> str:
    """Shares over time: the means as a line, their intervals as a band, events as marks, spans below."""
    top = 22 if marks else 6
    plane = _Plane(scale.spread(dot.x for dot in dots), scale.shares(dot.low for dot in dots), top, height)
    band = [(dot.x, dot.high) for dot in dots] + [(dot.x, dot.low) for dot in reversed(dots)]
    layer = _layer(
        plane,
        tag("path", d=_path(plane, band) + "Z", class_="band"),
        tag("path", d=_path(plane, [(dot.x, dot.mean) for dot in dots]), class_="line accent"),
    )
    below = top + height + 24
    inside = (
        _axes(plane, scale.percents(*plane.y), scale.calendar(*plane.x)),
        *(_mark(plane, mark) for mark in marks),
        layer,
        *(_dot(plane, dot) for dot in dots),
        *(_span(plane, span, below, odd=bool(k % 2)) for k, span in enumerate(spans)),
    )
    return figure(caption, below + (20 if spans else 0), "over-time", *inside)


def steps(
    caption: Caption, tracks: Sequence[Track], threshold: float, *, marks: Sequence[Mark] = (), height: int = 200
) -> str:
    """Base-10 logarithms over time as stairs, and the threshold that they must not reach."""
    top = 22 if marks else 6
    values = [value for track in tracks for _, value in track.points]
    highest = max(scale.spread(values)[1], threshold)
    plane = _Plane(
        scale.spread(x for track in tracks for x, _ in track.points),
        (-1.0, highest + 0.08 * (highest + 1)),
        top,
        height,
    )
    y = top + plane.down(threshold)
    inside = (
        _axes(plane, scale.powers(*plane.y), scale.calendar(*plane.x)),
        *(_mark(plane, mark) for mark in marks),
        _layer(plane, *(tag("path", d=_stairs(plane, t.points), class_=f"line {t.tone}") for t in tracks)),
        tag("line", x1="0", x2="100%", y1=y, y2=y, class_="threshold"),
        word(f"threshold {words.about(threshold)}", x="100%", y=y - 6, text_anchor="end", class_="word alarm"),
    )
    return figure(caption, top + height + 24, "over-time", *inside)


def bars(caption: Caption, rows: Sequence[Bar]) -> str:
    """A group of shares from 0 to 100 %, one bar each, with whiskers for the intervals."""
    return figure(caption, _ROW * len(rows), "bars", *(_bar(row, _ROW * k) for k, row in enumerate(rows)))


def curves(caption: Caption, tracks: Sequence[Track], highest: float, *, height: int = 110) -> str:
    """Losses over steps from 0 to `highest`, which small multiples share so that they can be compared."""
    steps_seen = scale.spread(x for track in tracks for x, _ in track.points)
    plane = _Plane((min(0.0, steps_seen[0]), steps_seen[1]), (0.0, highest or 1.0), 6, height)
    drawn = (tag("path", d=_path(plane, track.points), class_=f"line {track.tone}") for track in tracks)
    across = scale.numbers(*plane.x, most=4)
    return figure(caption, height + 30, "curves", _axes(plane, scale.numbers(*plane.y), across), _layer(plane, *drawn))


def against(
    caption: Caption, tracks: Sequence[Track], labels: Sequence[str], across: tuple[float, float], *, height: int = 140
) -> str:
    """Lines over places that stand at even distances and have names, of which five at most are written; the points'
    x is the number of a place.
    """
    plane = _Plane((0.0, max(1.0, len(labels) - 1.0)), across, 6, height)
    drawn = (tag("path", d=_path(plane, track.points), class_=f"line {track.tone}") for track in tracks)
    apart = -(-len(labels) // 5)
    ticks = [Tick(float(k), label) for k, label in enumerate(labels) if k % apart == 0]
    return figure(caption, height + 30, "curves", _axes(plane, scale.numbers(*plane.y), ticks), _layer(plane, *drawn))


def strip(mean: float, low: float, high: float, across: tuple[float, float], line_at: float | None = None) -> str:
    """An interval as a small strip for a table's cell, with an optional line to be above; the cell says the numbers."""
    plane = _Plane(across, (0.0, 1.0), 0, 14)
    limits = [plane.percent(min(max(value, across[0]), across[1])) for value in (low, high)]
    inside = [tag("line", x1="0", x2="100%", y1=7, y2=7, class_="grid")]
    if line_at is not None and across[0] <= line_at <= across[1]:
        at = plane.percent(line_at)
        inside.append(tag("line", x1=at, x2=at, y1=0, y2=14, class_="line-at"))
    inside.append(tag("line", x1=limits[0], x2=limits[1], y1=7, y2=7, class_="interval"))
    inside.append(tag("circle", cx=plane.percent(min(max(mean, across[0]), across[1])), cy=7, r=3.5, class_="mean"))
    return hidden("strip", 14, *inside)


def share(value: float, tone: str = "accent") -> str:
    """A part of a whole as a small bar; the number stands beside it."""
    width = f"{short(100 * min(max(value, 0.0), 1.0))}%"
    return hidden("share", 8, tag("rect", x="0", y="0", width=width, height=8, class_=f"bar {tone}"))


def swatch(tone: str) -> str:
    """A piece of a line, for the key under a chart."""
    return hidden("swatch", 10, tag("line", x1="0", x2="100%", y1=5, y2=5, class_=f"line {tone}"))


def _layer(plane: _Plane, *inside: str) -> str:
    """The layer that is stretched to the width of the plot."""
    box = f"0 0 {short(_WIDE)} {short(plane.height)}"
    return tag("svg", *inside, viewBox=box, preserveAspectRatio="none", y=plane.top, width="100%", height=plane.height)


def _path(plane: _Plane, points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{short(plane.across(x))} {short(plane.down(y))}" for x, y in points)


def _stairs(plane: _Plane, points: Sequence[tuple[float, float]]) -> str:
    """Each value holds until the next."""
    first = f"M{short(plane.across(points[0][0]))} {short(plane.down(points[0][1]))}"
    return first + "".join(f"H{short(plane.across(x))}V{short(plane.down(y))}" for x, y in points[1:])


def _axes(plane: _Plane, down: Sequence[Tick], across: Sequence[Tick]) -> str:
    return "".join([*(_level(plane, tick) for tick in down), *(_tick(plane, k, t) for k, t in enumerate(across))])


def _level(plane: _Plane, tick: Tick) -> str:
    y = plane.top + plane.down(tick.at)
    grid = tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")
    return grid + word(tick.label, x="0", dx=-8, y=y, dy="0.32em", text_anchor="end", class_="tick")


def _tick(plane: _Plane, number: int, tick: Tick) -> str:
    """A label under the axis, inside the plot at its ends; every other one gives way on narrow pages."""
    at = plane.across(tick.at) / _WIDE
    anchor = "start" if at < 0.04 else "end" if at > 0.94 else "middle"
    y, kind = plane.top + plane.height, "tick" if number % 2 == 0 else "tick between"
    small = tag("line", x1=plane.percent(tick.at), x2=plane.percent(tick.at), y1=y, y2=y + 4, class_="grid")
    return small + word(tick.label, x=plane.percent(tick.at), y=y + 17, text_anchor=anchor, class_=kind)


def _mark(plane: _Plane, mark: Mark) -> str:
    at = plane.percent(mark.x)
    return tag(
        "g",
        title(mark.says or mark.label),
        tag("line", x1=at, x2=at, y1=plane.top - 4, y2=plane.top + plane.height, class_="mark"),
        word(mark.label, x=at, y=plane.top - 9, text_anchor="middle", class_="word"),
    )


def _dot(plane: _Plane, dot: Dot) -> str:
    said = (title(dot.says),) if dot.says else ()
    at, y = plane.percent(dot.x), plane.top + plane.down(dot.mean)
    return tag("circle", *said, cx=at, cy=y, r=2.5, class_="dot")


def _span(plane: _Plane, span: Span, y: float, *, odd: bool) -> str:
    """The name is left out where it would not fit."""
    start, end = plane.across(span.start), plane.across(span.end)
    wide = max(end - start, 4.0)
    rect = tag(
        "rect",
        x=f"{short(start / 10)}%",
        y=y,
        width=f"{short(wide / 10)}%",
        height=16,
        class_="span odd" if odd else "span",
    )
    if wide < 0.09 * _WIDE:
        return tag("g", title(span.label), rect)
    middle = f"{short((start + end) / 20)}%"
    kind = "tick" if wide >= 0.2 * _WIDE else "tick between"
    return rect + word(span.label, x=middle, y=y + 12, text_anchor="middle", class_=kind)


def _bar(row: Bar, top: int) -> str:
    middle = top + _ROW / 2
    ends = [f"{short(100 * min(max(value, 0.0), 1.0))}%" for value in (row.mean, row.low, row.high)]
    whisker = tag("line", x1=ends[1], x2=ends[2], y1=middle, y2=middle, class_="whisker") if row.high > row.low else ""
    return "".join(
        [
            word(row.name, x="0", dx=-8, y=middle, dy="0.32em", text_anchor="end", class_="tick"),
            tag("rect", x="0", y=middle - 5, width="100%", height=10, class_="trough"),
            tag("rect", x="0", y=middle - 5, width=ends[0], height=10, class_=f"bar {row.tone}"),
            whisker,
            word(words.percent(row.mean), x="100%", dx=8, y=middle, dy="0.32em", class_="value"),
        ]
    )
