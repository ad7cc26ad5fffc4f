"""CUSUM: the sum of what goes beyond a slack, which begins again wherever it falls to 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar


class Cusum:
    """For numbers of mean 0 and deviation 1, in both directions (Page 1954, Biometrika 41:100).

    If they are independent and normal, and that mean and deviation true, `mean_run` says how often it alarms falsely. A
    mean that was only estimated is a change to it: an error of half the slack takes most of the promised run away.
    """

    standard: ClassVar[bool] = True

    def __init__(self, slack: float = 0.1, limit: float = 40.0) -> None:
        """`slack` is half the change that it is best at, in deviations; the limits are those of about 90,000
        numbers.
        """
        self.slack, self.limit = slack, limit
        self._up = self._down = 0.0

    def update(self, value: float) -> bool:
        """Take a number; whether a sum has passed its limit."""
        if math.isnan(value):
            return False
        self._up = max(0.0, self._up + value - self.slack)
        self._down = max(0.0, self._down - value - self.slack)
        if max(self._up, self._down) <= self.limit:
            return False
        self._up = self._down = 0.0
        return True

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {"up": self._up, "down": self._down}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._up, self._down = float(state["up"]), float(state["down"])


def mean_run(slack: float, limit: float, shift: float = 0.0) -> float:
    """Mean number of normal numbers to an alarm in one direction, at a mean of `shift` deviations (Siegmund 1985,
    "Sequential Analysis"); two directions alarm twice as often where nothing has shifted.
    """
    drift, height = shift - slack, limit + 1.166
    if drift == 0:
        return height * height
    return (math.exp(-2 * drift * height) + 2 * drift * height - 1) / (2 * drift * drift)
