"""A second opinion: what classical detectors say when they are led through the reference and then the current window.

Each value is ranked among those of the reference, so that every unit becomes one. The reference is fixed, and all ranks
share its luck: none of these detectors keeps a promise about false alarms then, which is why the alarms that each
raises in the reference itself stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.monitor.catalogue import feature_of
from homeostat.monitor.detectors.stream.detector import Detector
from homeostat.monitor.features.feature import Floats, Rows

_SPREAD = 12.0**0.5
"""One over the deviation of a number that is even on [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one detector says of one feature."""

    feature: str
    detector: str
    after: int | None
    """Rows of the current window up to its first alarm, that row included; None if it raises none."""
    id: str = ""
    """The row at which it alarmed."""
    time: float = 0.0
    """Its time, in seconds since 1970."""
    in_reference: int
    """Alarms that it raised in the reference, where by definition nothing moved."""


def opinions(
    features: Sequence[str],
    windows: tuple[Rows, Rows, Rows],
    known: Rows,
    detectors: Mapping[str, Callable[[], Detector]],
) -> tuple[Opinion, ...]:
    """Every detector on every feature that is a number.

    The windows are the reference, the part of it that shares no row with `known`, and the current one.
    """
    reference, rest, current = windows
    tags = {tag for row in (*reference, *current) for tag in row.tags}
    found = []
    for name in features:
        feature = feature_of(name, tags)
        before = feature.of(rest if feature.learns else reference, known)
        ranks = ranked_in(before, before), ranked_in(before, feature.of(current, known))
        found += [_told(name, called, make(), ranks, current) for called, make in detectors.items()]
    return tuple(found)


def ranked_in(reference: Floats, values: Floats) -> Floats:
    """The share of the reference's known values that lie below each value, half of those that equal it counted."""
    held = np.sort(reference[np.isfinite(reference)])
    below, upto = (np.searchsorted(held, values, side=side) for side in ("left", "right"))
    return np.where(np.isfinite(values), (below + upto) / (2 * max(len(held), 1)), np.nan)


def _told(feature: str, called: str, detector: Detector, ranks: tuple[Floats, Floats], current: Rows) -> Opinion:
    before, after = ((_SPREAD * (r - 0.5) if detector.standard else r).tolist() for r in ranks)
    false = sum(detector.update(value) for value in before)
    first = next((k for k, value in enumerate(after) if detector.update(value)), None)
    if first is None:
        return Opinion(feature=feature, detector=called, after=None, in_reference=false)
    row = current[first]
    return Opinion(feature=feature, detector=called, after=first + 1, id=row.id, time=row.time, in_reference=false)
