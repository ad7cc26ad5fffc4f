"""Series as charts, for the report and the pages: accuracy over time, the drift statistic, slices, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from homeostat.web import axes, chart, words
from homeostat.web.document import Document, number, rows, score, text
from homeostat.web.svg import Caption

Row = dict[str, Any]

EVENTS = ("champion", "signal", "turn", "release", "drill")
"""Events of the timeline that are marked in the charts."""
_NEAR = 0.06
"""Marks nearer than this share of the width are drawn as one: labels would overlap on a phone."""
MOMENTS = (
    ("before drift", "before_drift", "slate"),
    ("after drift", "after_drift", "alarm"),
    ("after turn", "after_turn", "accent"),
)
TONES = ("accent", "slate dashed", "alarm dotted")
"""Tones of the channels of a detector, in their order."""
LOSSES = (("training", "loss", "slate"), ("held out", "held_out", "accent"))
"""Name of a curve, its key in the points of a run, its tone."""
_TOP = 0.98
"""Quantile of the losses that the common scale of the curves reaches: the first steps would flatten the rest."""


def events(document: Document, low: float, high: float) -> list[Row]:
    """The events of the timeline in a range of times, numbered."""
    known = [(number(row.get("time")), row) for row in rows(document, "timeline") if row.get("event") in EVENTS]
    inside = sorted(
        ((time, row) for time, row in known if time is not None and low <= time <= high), key=lambda e: e[0]
    )
    return [
        {
            "number": k + 1,
            "x": time,
            "when": words.when(time),
            "event": text(row.get("event")),
            "text": text(row.get("text")),
        }
        for k, (time, row) in enumerate(inside)
    ]


def marks(numbered: Sequence[Row], low: float, high: float) -> list[axes.Mark]:
    """Marks of the numbered events in a range; neighbors that would overlap share one, labeled `2–4`."""
    found: list[list[Row]] = []
    for event in (event for event in numbered if low <= event["x"] <= high):
        if found and event["x"] - found[-1][-1]["x"] < _NEAR * (high - low):
            found[-1].append(event)
        else:
            found.append([event])
    return [_mark(group) for group in found]


def _mark(group: list[Row]) -> axes.Mark:
    first, last = group[0]["number"], group[-1]["number"]
    label = f"{first}" if first == last else f"{first}–{last}"
    return axes.Mark(x=group[0]["x"], label=label, says="; ".join(f"{e['event']}: {e['text']}" for e in group))


def accuracy(
    points: Sequence[Document],
    numbered: Sequence[Row] = (),
    *,
    what: str = "Accuracy",
    height: int = 220,
    beside: Sequence[Document] = (),
    target: float | None = None,
) -> str:
    """Quality over time with its interval, and below it who answered; empty where nothing was measured.

    `beside` is quality told in another way, `target` what it is to reach.
    """
    known, others = _scores(points), _scores(beside)
    if not known:
        return ""
    first, last = known[0], known[-1]
    caption = Caption(
        title=f"{what} over time",
        description=f"{len(known)} points from {words.when(first[0])} to {words.when(last[0])}: "
        f"first {words.percent(first[1].mean)}, lowest {words.percent(min(v.mean for _, v, _ in known))}, "
        f"last {words.percent(last[1].mean)}. The band is the 95 % interval."
        + (f" Dashed, told otherwise: last {words.percent(others[-1][1].mean)}." if others else ""),
    )
    drawn = marks(numbered, first[0], last[0])
    spans = _spans([(time, version) for time, _, version in known])
    dots, second = (
        [chart.Dot(x=t, mean=v.mean, low=v.low, high=v.high, says=_says(t, v, version)) for t, v, version in some]
        for some in (known, others)
    )
    return chart.line(caption, dots, beside=second, target=target, marks=drawn, spans=spans, height=height)


def _scores(points: Sequence[Document]) -> list[tuple[float, Any, str]]:
    """Time, score and version of the points that have a score, in the order of their times."""
    known = [(number(p.get("time")), score(p), text(p.get("version"))) for p in points]
    return sorted(((t, v, version) for t, v, version in known if t is not None and v), key=lambda point: point[0])


def _says(time: float, value: Any, version: str) -> str:
    by = f", {words.short(version)}" if version else ""
    return f"{words.when(time)}: {words.scored(value.mean, value.low, value.high, value.n)}{by}"


def _spans(versions: Sequence[tuple[float, str]]) -> list[chart.Span]:
    """Who answered from when to when; a version answers until the next one's first point."""
    runs = [(version, [time for time, _ in run]) for version, run in groupby(versions, key=lambda v: v[1])]
    if not any(version for version, _ in runs):
        return []
    starts = [times[0] for _, times in runs] + [versions[-1][0]]
    return [
        chart.Span(start=starts[k], end=starts[k + 1], label=words.short(version))
        for k, (version, _) in enumerate(runs)
    ]


def drift(
    points: Sequence[Sequence[Any]], channels: Sequence[str], threshold: float, numbered: Sequence[Row] = ()
) -> str:
    """The statistic of each channel, rows of (time, log10 …), against the threshold's log10; empty without rows."""
    tracks = [
        chart.Track(name=name, tone=TONES[k % len(TONES)], points=found)
        for k, name in enumerate(channels)
        if (found := _channel(points, k + 1))
    ]
    if not tracks:
        return ""
    highest = max(value for track in tracks for _, value in track.points)
    caption = Caption(
        title="Drift statistic against its threshold",
        description=f"{' and '.join(track.name for track in tracks)}, on a logarithmic scale; the highest is "
        f"{words.about(highest)}, the alarm is at {words.about(threshold)}.",
    )
    times = [time for track in tracks for time, _ in track.points]
    return chart.steps(caption, tracks, threshold, marks=marks(numbered, min(times), max(times)))


def _channel(points: Sequence[Sequence[Any]], column: int) -> list[tuple[float, float]]:
    known = [(number(row[0]), number(row[column])) for row in points if len(row) > column]
    return [(time, min(value, 300.0)) for time, value in known if time is not None and value is not None]


def drift_key(channels: Sequence[str]) -> list[Row]:
    """The channels' names beside a piece of their line."""
    return [{"name": name, "swatch": chart.swatch(TONES[k % len(TONES)])} for k, name in enumerate(channels)]


def looks(trace: Sequence[Sequence[float]], name: str, threshold: float) -> str:
    """The evidence that a model elsewhere has changed, rows of (time, log10), a look each; empty of fewer than two."""
    if len(trace) < 2:
        return ""
    track = chart.Track(name=name, tone="accent", points=[(row[0], row[1]) for row in trace])
    highest = max(row[1] for row in trace)
    caption = Caption(
        title=f"Evidence that {name} has changed",
        description=f"{len(trace)} looks; the highest is {words.about(highest)}, the alarm is at "
        f"{words.amount(threshold)}.",
    )
    return chart.steps(caption, [track], math.log10(threshold), height=120)


def losses_key() -> list[Row]:
    """The curves' names beside a piece of their line."""
    return [{"name": name, "swatch": chart.swatch(tone)} for name, _, tone in LOSSES]


def slices(found: Sequence[Document]) -> list[Row]:
    """A cell per slice: its name, its n, and its bars before, during and after."""
    cells = []
    for row in found:
        known = [(name, value, tone) for name, key, tone in MOMENTS if (value := score(row.get(key)))]
        if known:
            drawn = [chart.Bar(name=n, mean=v.mean, low=v.low, high=v.high, tone=t) for n, v, t in known]
            said = "; ".join(f"{name} {words.scored(v.mean, v.low, v.high, v.n)}" for name, v, _ in known)
            title = text(row.get("slice"))
            n = number(row.get("n"))
            svg = chart.bars(Caption(title=f"Accuracy on {title}", description=said), drawn)
            cells.append({"name": title, "n": words.count(n) if n is not None else "", "svg": svg})
    return cells


def losses(runs: Sequence[Document]) -> list[Row]:
    """A cell per training run, all on one scale; without a held-out part there is one curve."""
    known = [(text(run.get("version")), _curves(rows(run, "points"))) for run in runs]
    known = [(version, tracks) for version, tracks in known if tracks]
    highest = _highest([value for _, tracks in known for track in tracks for _, value in track.points])
    return [_cell(version, tracks, highest) for version, tracks in known]


def _curves(points: Sequence[Document]) -> list[chart.Track]:
    found = []
    for name, key, tone in LOSSES:
        seen = [(number(p.get("step")), number(p.get(key))) for p in points]
        # A run without held-out rows reports a negative number in its place.
        line = [(step, loss) for step, loss in seen if step is not None and loss is not None and loss >= 0]
        if line:
            found.append(chart.Track(name=name, points=line, tone=tone))
    return found


def _highest(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(_TOP * len(values)) - 1] * 1.05 if values else 1.0


def _cell(version: str, tracks: Sequence[chart.Track], highest: float) -> Row:
    last = tracks[-1]
    step, best = min(last.points, key=lambda point: point[1])
    said = f"best {last.name} loss {words.amount(best)} at step {words.count(step)}"
    svg = chart.curves(Caption(title=f"Loss of {version}", description=said), tracks, highest)
    return {"version": version, "says": said, "svg": svg}
