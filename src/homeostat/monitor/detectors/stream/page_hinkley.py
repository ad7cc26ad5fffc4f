"""Page–Hinkley: the sum of the distances from the running mean, and how far it is from its lowest or highest point.

Page 1954, "Continuous inspection schemes" (Biometrika 41:100), in the form of Hinkley 1971 that needs no known mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar


class PageHinkley:
    """For numbers of deviation 1, in both directions. Its usual limit of 50 holds for no rate of false alarms: where
    nothing moves it alarms every few thousand numbers.
    """

    standard: ClassVar[bool] = True

    def __init__(self, tolerance: float = 0.005, limit: float = 50.0, least: int = 30) -> None:
        """`tolerance` is what the mean may move without being counted, `least` the numbers before it may alarm."""
        self.tolerance, self.limit, self._least = tolerance, limit, least
        self._n, self._mean = 0, 0.0
        self._up = self._down = self._lowest = self._highest = 0.0

    def update(self, value: float) -> bool:
        """Take a number; whether a sum has left its limit."""
        if math.isnan(value):
            return False
        self._n += 1
        self._mean += (value - self._mean) / self._n
        self._up += value - self._mean - self.tolerance
        self._down += value - self._mean + self.tolerance
        self._lowest, self._highest = min(self._lowest, self._up), max(self._highest, self._down)
        if self._n < self._least or max(self._up - self._lowest, self._highest - self._down) <= self.limit:
            return False
        self._n, self._mean = 0, 0.0
        self._up = self._down = self._lowest = self._highest = 0.0
        return True

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {"sums": [self._n, self._mean, self._up, self._down, self._lowest, self._highest]}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._n, self._mean, self._up, self._down, self._lowest, self._highest = state["sums"]
