"""Which of several tasks comes first where one budget does not do for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from homeostat.decide.value import Worth


def first(worths: Mapping[str, Worth]) -> list[str]:
    """The tasks by what retraining wins beyond its cost, per what of that is paid, the best first; equals by name."""
    return sorted(worths, key=lambda task: (-_net(worths[task]), task))


def _net(worth: Worth) -> float:
    """Net value in units of the bill, for that is what a budget has to do for; what is free comes before everything
    that is not, if it wins anything.
    """
    net, bill = worth.value - worth.cost, worth.bill
    if bill <= 0.0:
        return math.inf if net > 0.0 else -math.inf if net < 0.0 else 0.0
    return net / bill if math.isfinite(bill) else -math.inf
