"""Traffic over time as charts: volume, what got no reply, latency, tokens, and the values of each tag."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeostat.web import chart, words
from homeostat.web.svg import Caption

Row = Mapping[str, Any]
Cell = dict[str, Any]
TONES = ("accent", "slate dashed", "alarm dotted", "ink")
"""Tones of the lines of a chart, in their order."""


def charts(stretches: Sequence[Row], tags: Sequence[Row], lost: Sequence[Row]) -> list[Cell]:
    """A cell for each chart, with its `name`, `note`, `svg` and `key`; none of fewer than two stretches."""
    if len(stretches) < 2:
        return []
    cells = [_volume(stretches), *_lost(stretches, lost)]
    if any(row["p50_ms"] for row in stretches):
        cells.append(_lines("Latency", "milliseconds", stretches, {"median": "p50_ms", "95th percentile": "p95_ms"}))
    if any(row["prompt_tokens"] for row in stretches):
        tokens = {"read": "prompt_tokens", "written": "reply_tokens"}
        cells.append(_lines("Tokens", "on average per request", stretches, tokens))
    return [*cells, *(_tag(tag, stretches) for tag in tags)]


def _volume(stretches: Sequence[Row]) -> Cell:
    heaps = [_heap(row["start"], row["end"], row["requests"], "requests", "accent") for row in stretches]
    return _heaps("Requests", heaps, _each(stretches))


def _lost(stretches: Sequence[Row], lost: Sequence[Row]) -> Iterator[Cell]:
    """What failed and what was refused, each where there was any."""
    for name, fault, tone in (("Failed", True, "alarm"), ("Refused", False, "slate")):
        counts = [
            sum(one["n"] for one in lost if one["fault"] is fault and row["start"] <= one["start"] < row["end"])
            for row in stretches
        ]
        if any(counts):
            heaps = [
                _heap(row["start"], row["end"], n, name.lower(), tone) for row, n in zip(stretches, counts, strict=True)
            ]
            yield _heaps(name, heaps, "no reply, by our fault" if fault else "no reply, by the request's fault")


def _heap(start: float, end: float, n: float, what: str, tone: str) -> chart.Heap:
    return chart.Heap(start=start, end=end, n=n, says=f"{words.when(start)}: {words.count(n)} {what}", tone=tone)


def _heaps(name: str, heaps: Sequence[chart.Heap], note: str) -> Cell:
    most = max(heaps, key=lambda heap: heap.n)
    said = f"{words.count(sum(heap.n for heap in heaps))} in all, most in the stretch from {most.says}."
    return {"name": name, "note": note, "svg": chart.columns(Caption(title=name, description=said), heaps), "key": []}


def _lines(name: str, note: str, stretches: Sequence[Row], columns: Mapping[str, str]) -> Cell:
    series = {label: [row[key] for row in stretches] for label, key in columns.items()}
    return _drawn(name, note, stretches, series, shares=False)


def _tag(tag: Row, stretches: Sequence[Row]) -> Cell:
    left_out = f"; {words.several(tag['others'], 'rarer value')} left out" if tag["others"] else ""
    return _drawn(str(tag["name"]), f"share of the requests{left_out}", stretches, tag["values"], shares=True)


def _drawn(
    name: str, note: str, stretches: Sequence[Row], series: Mapping[str, Sequence[float | None]], *, shares: bool
) -> Cell:
    middles = [(row["start"] + row["end"]) / 2 for row in stretches]
    tracks = [
        chart.Track(
            name=label,
            points=[(x, math.nan if y is None else y) for x, y in zip(middles, values, strict=True)],
            tone=TONES[k % len(TONES)],
        )
        for k, (label, values) in enumerate(series.items())
    ]
    says = words.percent if shares else words.amount
    said = "; ".join(f"{track.name}: {_range(track, says)}" for track in tracks)
    svg = chart.lines(Caption(title=f"{name} over time", description=said), tracks, shares=shares)
    key = [{"name": track.name, "swatch": chart.swatch(track.tone)} for track in tracks]
    return {"name": name, "note": note, "svg": svg, "key": key}


def _range(track: chart.Track, says: Any) -> str:
    known = [y for _, y in track.points if not math.isnan(y)]
    return f"{says(min(known))} to {says(max(known))}, last {says(known[-1])}" if known else "nothing known"


def _each(stretches: Sequence[Row]) -> str:
    return f"in {words.duration(stretches[0]['end'] - stretches[0]['start'])} each"
