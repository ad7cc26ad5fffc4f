"""How a run went beside its losses: rate, gradient, speed, share of the machine's peak, memory, as small charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeostat.store import Store
from homeostat.web import chart, words
from homeostat.web.document import number
from homeostat.web.plain import plain
from homeostat.web.svg import Caption

Row = Mapping[str, Any]
Cell = dict[str, Any]
GAUGES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("Learning rate", "lr", words.amount),
    ("Gradient norm", "gradient_norm", words.amount),
    ("Tokens a second", "tokens_per_s", words.count),
    ("Share of the machine's peak", "mfu", words.percent),
    ("Memory", "memory_bytes", words.size),
)
"""Name of a gauge, its key in what a run reports, how its numbers are written."""
LOSSES = ("step", "loss", "held_out")
COURSE = ("step", *(key for _, key, _ in GAUGES))
_UNITS = {"lr": 1e-3, "mfu": 0.01, "memory_bytes": 1e6}
"""What a tick of an axis counts, where that is not the number itself."""
_AXES = {"lr": "in thousandths", "mfu": "in percent", "memory_bytes": "in MB"}


def looks(store: Store, version: str) -> list[Row]:
    """What the run of a version reported, a mapping per look; none of what was trained without steps."""
    return [event.values for event in store.events.list(version) if event.name == "training"] if version else []


def losses(seen: Sequence[Row]) -> list[Cell]:
    """Step, loss and held-out loss of every look."""
    return [{name: plain(row.get(name)) for name in LOSSES} for row in seen]


def course(seen: Sequence[Row]) -> list[Cell]:
    """Step, learning rate, gradient norm, tokens a second, share of the peak and bytes of every look; None where one is
    not known.
    """
    return [{name: plain(row.get(name)) for name in COURSE} for row in seen]


def gauges(version: str, points: Sequence[Row]) -> list[Cell]:
    """A cell for each gauge, with its `name`, what it `says` and its `svg`; none for one that nobody has read."""
    return [cell for gauge in GAUGES if (cell := _cell(version, points, *gauge))]


def _cell(version: str, points: Sequence[Row], name: str, key: str, written: Callable[[float], str]) -> Cell | None:
    pairs = [(number(point.get("step")), number(point.get(key))) for point in points]
    line = [(step, value) for step, value in pairs if step is not None and value is not None]
    if not line:
        return None
    last, highest = line[-1][1], max(value for _, value in line)
    says = f"last {written(last)}, highest {written(highest)}"
    unit = _UNITS.get(key, 1.0)
    track = chart.Track(name=name, tone="accent", points=[(step, value / unit) for step, value in line])
    caption = Caption(title=f"{name} of {version}", description=f"{says}, of {len(line)} looks")
    svg = chart.curves(caption, [track], 1.05 * highest / unit, height=70)
    return {"name": name, "unit": _AXES.get(key, ""), "says": says, "svg": svg}
