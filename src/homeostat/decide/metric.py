"""What an objective may be about: metrics by name, in which direction each is better, and what else must be said.

Labels and corrections tell most of them; people `rating`, `corrected` and `satisfaction`; judges `judged`; the log how
long requests took, what they cost and whether they failed. `homeostat.loop.deciding.measured` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.errors import did_you_mean
from homeostat.types.task import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is known of a metric before anything is measured."""

    higher: bool
    """Whether more of it is better."""
    kinds: tuple[Kind, ...] = (Kind.LABEL, Kind.TEXT)
    """Tasks that have it."""
    taught: bool = True
    """Whether another training may change it."""
    takes: tuple[str, ...] = ()
    """Keys of an objective that go with it, besides those that go with all."""
    needs: tuple[str, ...] = ()
    """Those of them that may not be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What answering costs, in whatever unit one thinks in."""

    read: float = 0.0
    """Of a million tokens of requests."""
    written: float = 0.0
    """Of a million tokens of replies."""
    hour: float = 0.0
    """Of an hour of answering one request at a time."""


_LABELS, _TEXTS = (Kind.LABEL,), (Kind.TEXT,)
_OF_LABEL = Metric(higher=True, kinds=_LABELS, takes=("label",))
_GAP = Metric(higher=False, kinds=_LABELS, takes=("tag", "label"), needs=("tag",))
_EFFORT = Metric(higher=False, taught=False)
KNOWN: Mapping[str, Metric] = {
    "accuracy": Metric(higher=True, kinds=_LABELS),
    "chrf": Metric(higher=True, kinds=_TEXTS),
    "wrong": Metric(higher=False),
    "precision": _OF_LABEL,
    "recall": _OF_LABEL,
    "f1": _OF_LABEL,
    "calibration_error": Metric(higher=False, kinds=_LABELS),
    "exact_match": Metric(higher=True, kinds=_TEXTS),
    "rouge": Metric(higher=True, kinds=_TEXTS),
    "accuracy_gap": Metric(higher=False, takes=("tag",), needs=("tag",)),
    "equal_opportunity_gap": _GAP,
    "equalized_odds_gap": _GAP,
    "demographic_parity_gap": _GAP,
    "rating": Metric(higher=True),
    "judged": Metric(higher=True, takes=("prices",)),
    "corrected": Metric(higher=False),
    "satisfaction": Metric(higher=True),
    "resolution_s": Metric(higher=False),
    "latency_ms": _EFFORT,
    "latency_p95_ms": _EFFORT,
    "tokens": _EFFORT,
    "cost": Metric(higher=False, taught=False, takes=("prices",)),
    "error_rate": _EFFORT,
}
"""By name."""
_OWN = ("label", "tag", "prices")


def named(name: Any, kind: Kind) -> str:
    """The name of a metric that tasks of a kind have.

    Raises:
        ValueError: it is none; the rest of the sentence `NAME …`.
    """
    known = [one for one, metric in KNOWN.items() if kind in metric.kinds]
    if name not in known:
        raise ValueError(f"knows no metric {name!r} of a task of kind {kind}; {did_you_mean(str(name), known)}")
    return str(name)


def hold(metric: str, given: Mapping[str, Any]) -> None:
    """Hold an objective to the keys that go with its metric.

    Raises:
        ValueError: one is missing, or does not go with it; the rest of the sentence `NAME …`.
    """
    for key in KNOWN[metric].needs:
        if key not in given:
            raise ValueError(f"has no `{key}`, which {metric} must have")
    for key in _OWN:
        if key in given and key not in KNOWN[metric].takes:
            raise ValueError(f"has `{key}`, with which {metric} has nothing to do: leave it out")


def word(value: Any, key: str) -> str:
    """A tag or a label, as a text; empty where none is given. Raises ValueError where it is none."""
    if value is None:
        return ""
    if isinstance(value, bool | dict | list) or not str(value).strip():
        raise ValueError(f"must have a {key} by its name, got {value!r:.60}")
    return str(value)


def prices(value: Any) -> Prices | None:
    """Prices of `{read: 0.15, written: 0.6}`; None where none are given. Raises ValueError where they are none."""
    if value is None:
        return None
    parts: Sequence[str] = ("read", "written", "hour")
    if not isinstance(value, Mapping) or not value or any(key not in parts for key in value):
        raise ValueError(f"must have prices such as {{read: 0.15, written: 0.6, hour: 2}}, got {value!r:.60}")
    for key, price in value.items():
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0.0 <= price < float("inf"):
            raise ValueError(f"must have a number of at least 0 for the price {key}, got {price!r:.60}")
    return Prices(**{key: float(price) for key, price in value.items()})
