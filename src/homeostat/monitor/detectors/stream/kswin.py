"""KSWIN: Kolmogorov–Smirnov between the newest numbers and as many by lot from those before.

Raab, Heusinger and Schleif 2020, "Reactive soft prototype computing for concept drift streams" (2007.05432).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np


class Kswin:
    """For numbers of any unit. It looks after each one at a level of its own, so it alarms falsely many times as often
    as `alpha` suggests to one who looks once.
    """

    standard: ClassVar[bool] = False

    def __init__(self, alpha: float = 0.005, *, window: int = 100, recent: int = 30, seed: int = 0) -> None:
        """It keeps `window` numbers, of which the `recent` newest are compared with as many of the others.

        Raises:
            ValueError: there are not as many others.
        """
        if window < 2 * recent:
            raise ValueError(f"a window of {window} has no {recent} numbers before its newest {recent}")
        self.alpha, self._recent, self._seed, self._seen = alpha, recent, seed, 0
        self.limit = math.sqrt(-math.log(alpha) / recent)
        self._held: deque[float] = deque(maxlen=window)

    def update(self, value: float) -> bool:
        """Take a number; whether the two samples lie too far apart. Afterwards only the newest are left."""
        if math.isnan(value):
            return False
        self._held.append(value)
        self._seen += 1
        if len(self._held) < (self._held.maxlen or 0) or self._distance() <= self.limit:
            return False
        newest = list(self._held)[-self._recent :]
        self._held.clear()
        self._held.extend(newest)
        return True

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {"seen": self._seen, "held": list(self._held)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._seen = int(state["seen"])
        self._held.clear()
        self._held.extend(state["held"])

    def _distance(self) -> float:
        """The largest distance of the two samples' distribution functions. The lots of a number are its own, so that a
        detector that was put down goes on as if it had not been.
        """
        held = np.array(self._held)
        older, newer = held[: -self._recent], np.sort(held[-self._recent :])
        lots = np.random.default_rng([self._seed, self._seen])
        older = np.sort(lots.choice(older, self._recent, replace=False))
        both = np.concatenate([older, newer])
        below = [np.searchsorted(sample, both, side="right") for sample in (older, newer)]
        return float(np.abs(below[0] - below[1]).max() / self._recent)
