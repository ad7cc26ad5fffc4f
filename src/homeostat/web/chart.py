"""Charts as SVG text, drawn here: a line with its interval, steps against a threshold, bars, curves, small strips.

A chart is as wide as the page lets it be and never scales its text: what lies across is in percent of the plot, what
lies down in pixels, and only the paths are stretched, with strokes that do not scale. The labels of the axes lie
outside the plot, in margins that the stylesheet keeps (`svg.chart`); colors are its tokens, so that charts follow the
page into the dark. Every chart has a title and a description, every color a word beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.web import scale, words
from homeostat.web.axes import WIDE, Frame, Mark, ground, marked, polyline, stairs, stretched
from homeostat.web.svg import Caption, figure, hidden, short, tag, title, word

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
class Heap:
    """How many there were in a stretch of time."""

    start: float
    end: float
    n: float
    says: str
    """Shown when pointed at."""
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share in [0, 1] with its interval, in words on its left."""

    name: str
    mean: float
    low: float
    high: float
    tone: str


def line(
    caption: Caption,
    dots: Sequence[Dot],
    *,
    beside: Sequence[Dot] = (),
    target: float | None = None,
    marks: Sequence[Mark] = (),
    spans: Sequence[Span] = (),
    height: int = 220,
) -> str:
    """Shares over time: the means as a line, their intervals as a band, events as marks, spans below.

    `beside` is a second line, dashed, with a band of its own; `target` what the first is to reach.
    """
    top = 22 if marks else 6
    lows = [dot.low for dot in (*dots, *beside)] + ([] if target is None else [target])
    frame = Frame(scale.spread(dot.x for dot in (*dots, *beside)), scale.shares(lows), top, height)
    drawn = stretched(frame, *_banded(frame, beside, "slate", "slate dashed"), *_banded(frame, dots, "", "accent"))
    below = top + height + 24
    inside = (
        ground(frame, scale.percents(*frame.y), scale.calendar(*frame.x)),
        *(marked(frame, mark) for mark in marks),
        drawn,
        "" if target is None else _level(frame, target),
        *(_dot(frame, dot, "dot slate") for dot in beside),
        *(_dot(frame, dot) for dot in dots),
        *(_span(frame, span, below, odd=bool(k % 2)) for k, span in enumerate(spans)),
    )
    return figure(caption, below + (20 if spans else 0), "over-time", *inside)


def steps(
    caption: Caption, tracks: Sequence[Track], threshold: float, *, marks: Sequence[Mark] = (), height: int = 200
) -> str:
    """Base-10 logarithms over time as stairs, and the threshold that they must not reach."""
    top = 22 if marks else 6
    values = [value for track in tracks for _, value in track.points]
    highest = max(scale.spread(values)[1], threshold)
    frame = Frame(
        scale.spread(x for track in tracks for x, _ in track.points),
        (-1.0, highest + 0.08 * (highest + 1)),
        top,
        height,
    )
    y = top + frame.down(threshold)
    inside = (
        ground(frame, scale.powers(*frame.y), scale.calendar(*frame.x)),
        *(marked(frame, mark) for mark in marks),
        stretched(frame, *(tag("path", d=stairs(frame, t.points), class_=f"line {t.tone}") for t in tracks)),
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
    frame = Frame((min(0.0, steps_seen[0]), steps_seen[1]), (0.0, highest or 1.0), 6, height)
    drawn = (tag("path", d=polyline(frame, track.points), class_=f"line {track.tone}") for track in tracks)
    across = scale.numbers(*frame.x, most=4)
    return figure(
        caption, height + 30, "curves", ground(frame, scale.numbers(*frame.y), across), stretched(frame, *drawn)
    )


def lines(caption: Caption, tracks: Sequence[Track], *, shares: bool = False, height: int = 110) -> str:
    """Numbers over time from 0, or shares from 0 to the next ten percent; a NaN breaks a line."""
    highest = max((y for track in tracks for _, y in track.points if y == y), default=0.0)
    top_y = min(1.0, math.ceil(highest * 10 + 1e-9) / 10) if shares else 1.05 * highest or 1.0
    frame = Frame(scale.spread(x for track in tracks for x, _ in track.points), (0.0, top_y), 6, height)
    drawn = (tag("path", d=polyline(frame, track.points), class_=f"line {track.tone}") for track in tracks)
    down = scale.percents(*frame.y) if shares else scale.numbers(*frame.y)
    return figure(
        caption,
        height + 30,
        "over-time",
        ground(frame, down, scale.calendar(*frame.x, most=4)),
        stretched(frame, *drawn),
    )


def columns(caption: Caption, heaps: Sequence[Heap], *, height: int = 110) -> str:
    """Numbers in stretches of time, as columns from 0 that stand on their stretch."""
    frame = Frame((heaps[0].start, heaps[-1].end), (0.0, 1.05 * max(heap.n for heap in heaps) or 1.0), 6, height)
    inside = (
        ground(frame, scale.numbers(*frame.y, most=3), scale.calendar(*frame.x, most=4)),
        *(_heap(frame, heap) for heap in heaps if heap.n),
    )
    return figure(caption, height + 30, "over-time", *inside)


def against(
    caption: Caption, tracks: Sequence[Track], labels: Sequence[str], across: tuple[float, float], *, height: int = 140
) -> str:
    """Lines over places that stand at even distances and have names, of which five at most are written; the points'
    x is the number of a place.
    """
    frame = Frame((0.0, max(1.0, len(labels) - 1.0)), across, 6, height)
    drawn = (tag("path", d=polyline(frame, track.points), class_=f"line {track.tone}") for track in tracks)
    apart = -(-len(labels) // 5)
    ticks = [scale.Tick(float(k), label) for k, label in enumerate(labels) if k % apart == 0]
    return figure(
        caption, height + 30, "curves", ground(frame, scale.numbers(*frame.y), ticks), stretched(frame, *drawn)
    )


def strip(mean: float, low: float, high: float, across: tuple[float, float], line_at: float | None = None) -> str:
    """An interval as a small strip for a table's cell, with an optional line to be above; the cell says the numbers."""
    frame = Frame(across, (0.0, 1.0), 0, 14)
    limits = [frame.percent(min(max(value, across[0]), across[1])) for value in (low, high)]
    inside = [tag("line", x1="0", x2="100%", y1=7, y2=7, class_="grid")]
    if line_at is not None and across[0] <= line_at <= across[1]:
        at = frame.percent(line_at)
        inside.append(tag("line", x1=at, x2=at, y1=0, y2=14, class_="line-at"))
    inside.append(tag("line", x1=limits[0], x2=limits[1], y1=7, y2=7, class_="interval"))
    inside.append(tag("circle", cx=frame.percent(min(max(mean, across[0]), across[1])), cy=7, r=3.5, class_="mean"))
    return hidden("strip", 14, *inside)


def share(value: float, tone: str = "accent") -> str:
    """A part of a whole as a small bar; the number stands beside it."""
    width = f"{short(100 * min(max(value, 0.0), 1.0))}%"
    return hidden("share", 8, tag("rect", x="0", y="0", width=width, height=8, class_=f"bar {tone}"))


def swatch(tone: str) -> str:
    """A piece of a line, for the key under a chart."""
    return hidden("swatch", 10, tag("line", x1="0", x2="100%", y1=5, y2=5, class_=f"line {tone}"))


def _heap(frame: Frame, heap: Heap) -> str:
    wide = (frame.across(heap.end) - frame.across(heap.start)) / 10
    y = frame.top + frame.down(heap.n)
    return tag(
        "rect",
        title(heap.says),
        x=f"{short(frame.across(heap.start) / 10 + 0.08 * wide)}%",
        y=y,
        width=f"{short(0.84 * wide)}%",
        height=max(frame.top + frame.height - y, 1.0),
        class_=f"bar {heap.tone}",
    )


def _banded(frame: Frame, dots: Sequence[Dot], tone: str, line: str) -> tuple[str, ...]:
    """A line with its band; nothing of no dots."""
    if not dots:
        return ()
    around = [(dot.x, dot.high) for dot in dots] + [(dot.x, dot.low) for dot in reversed(dots)]
    return (
        tag("path", d=polyline(frame, around) + "Z", class_=f"band {tone}".rstrip()),
        tag("path", d=polyline(frame, [(dot.x, dot.mean) for dot in dots]), class_=f"line {line}"),
    )


def _level(frame: Frame, target: float) -> str:
    """What is to be reached, as a line across with its number."""
    y = frame.top + frame.down(target)
    said = word(f"target {words.percent(target)}", x="100%", y=y - 6, text_anchor="end", class_="goal")
    return tag("line", x1="0", x2="100%", y1=y, y2=y, class_="target") + said


def _dot(frame: Frame, dot: Dot, kind: str = "dot") -> str:
    said = (title(dot.says),) if dot.says else ()
    at, y = frame.percent(dot.x), frame.top + frame.down(dot.mean)
    return tag("circle", *said, cx=at, cy=y, r=2.5, class_=kind)


def _span(frame: Frame, span: Span, y: float, *, odd: bool) -> str:
    """The name is left out where it would not fit."""
    start, end = frame.across(span.start), frame.across(span.end)
    wide = max(end - start, 4.0)
    rect = tag(
        "rect",
        x=f"{short(start / 10)}%",
        y=y,
        width=f"{short(wide / 10)}%",
        height=16,
        class_="span odd" if odd else "span",
    )
    if wide < 0.09 * WIDE:
        return tag("g", title(span.label), rect)
    middle = f"{short((start + end) / 20)}%"
    kind = "tick" if wide >= 0.2 * WIDE else "tick between"
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
