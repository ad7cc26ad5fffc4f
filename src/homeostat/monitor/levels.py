"""How far each statistic of a watcher is from its threshold, read from what the watcher has put down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.monitor.channels import CONFIDENCE, NEIGHBORS
from homeostat.monitor.detectors.loss import LossDetector
from homeostat.monitor.detectors.shiryaev_roberts import log_mean

TOGETHER = "together"
"""Name of the mean of the channels, which is what raises an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A statistic, as logarithms to base 10."""

    log10: float
    """Now; minus infinity right after an alarm."""
    highest_log10: float
    """The highest that it has been."""


def of_requests(trace: Sequence[Sequence[float]]) -> dict[str, Level]:
    """Per channel and together, from the rows (time, log10 …) of a trace; empty without any."""
    if not trace:
        return {}
    values = np.array([point[1:] for point in trace], dtype=np.float64)
    together = log_mean(values * math.log(10.0)) / math.log(10.0)
    columns = dict(zip((CONFIDENCE, NEIGHBORS), values.T, strict=False)) | {TOGETHER: together}
    return {name: Level(log10=float(c[-1]), highest_log10=float(c.max())) for name, c in columns.items()}


def of_labels(state: Mapping[str, Any]) -> tuple[int, Level] | None:
    """How many labels, corrections and ratings a watcher of this state has bet on, and how far they are from an alarm.

    None before the first, and where the state is empty.
    """
    detector = LossDetector(math.inf)
    if state:
        detector.load(state["loss"])
    if not detector.rows:
        return None
    now, highest = (level / math.log(10.0) for level in (detector.level, detector.highest))
    return detector.rows, Level(log10=now, highest_log10=highest)
