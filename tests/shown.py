"""The effect that a proof shows, with its interval: held to by the test, and taken down for the bar of proofs.

A proof says by how much a method does what it is for, more than the same run without it, so that a stub that returns
the plain thing shows an effect of 0. Its own draws are those that its thresholds were chosen on; the bar
(`bench/train_4.py`) takes others, with `--draws`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from homeostat.stats.intervals import mean_interval
from homeostat.types.report import Score

OTHERS = 10
"""The first draw that no threshold was chosen on."""
SEVERAL = 4
"""Draws from which on an interval over them says something."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one proof shows."""

    asked: int
    """Draws asked for on the command line; 0 for as many as the proof takes by itself."""
    note: Callable[[str, object], None]
    first: int = OTHERS
    """The first of the draws asked for."""

    def draws(self, usual: int) -> range:
        """The draws to go through."""
        return range(self.first, self.first + self.asked) if self.asked else range(usual)

    def over(self, of: str, values: Sequence[float], *, least: float = 0.0) -> None:
        """By draw, what the method brings: on average no less than `least`, and over several draws surely above 0."""
        found = mean_interval(values)
        self._take(of, found, "draws")
        assert found.mean > least, (of, list(values))
        assert len(values) < SEVERAL or found.low > 0, (of, list(values))

    def within(self, of: str, found: Score, *, least: float = 0.0, unit: str = "rows") -> None:
        """Over the rows of one draw, what the method brings: surely more than `least`."""
        self._take(of, found, unit)
        assert found.low > least, (of, found)

    def _take(self, of: str, found: Score, unit: str) -> None:
        told = {"of": of, "value": found.mean, "interval": [found.low, found.high], "n": found.n, "over": unit}
        self.note("effect", json.dumps(told))
