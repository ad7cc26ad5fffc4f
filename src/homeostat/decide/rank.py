"""Which of several tasks comes first where one budget does not do for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from homeostat.decide.value import Worth


def first(worths: Mapping[str, Worth]) -> list[str]:
    """The tasks by what retraining wins beyond its cost, per cost, the best first; equals by name."""
    return sorted(worths, key=lambda task: (-_net(worths[task]), task))


def _net(worth: Worth) -> float:
    """Net value in units of the cost; what costs nothing comes before everything that does, if it wins anything."""
    net = worth.value - worth.cost
    if worth.cost <= 0.0:
        return math.inf if net > 0.0 else -math.inf if net < 0.0 else 0.0
    return net / worth.cost if math.isfinite(worth.cost) else -math.inf
