"""Watches in which shares known kinds of requests come: rows in, signals out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.detectors.proportions import Proportions, Shifted
from homeostat.monitor.groups import Groups
from homeostat.types import ids
from homeostat.types.interaction import Interaction
from homeostat.types.signal import PROPORTIONS, Moved, Signal

FIRST = 300
"""Requests that stakes are set by, at least: of fewer, the share of a rare kind is hardly known."""
SHOWN = 10


class Shares:
    """The kinds of a task's requests, and the detector of their proportions.

    It has a count of false alarms of its own, as that of losses has: one in `Monitor.false_alarm_every` requests, on
    average at most.
    """

    def __init__(self, task: str, index: NeighborIndex, labels: Collection[str], settings: Monitor) -> None:
        """Groups are those of the index; without one, the labels are kinds."""
        self.groups, self._task, self._every = Groups(index, labels), task, settings.false_alarm_every
        first, many = max(FIRST, settings.min_reference), max(2, len(self.groups))
        self.detector = Proportions(many, self._every, first=first, seed=settings.seed)
        self._newest: list[deque[str]] = [deque(maxlen=SHOWN) for _ in range(many)]

    def update(self, rows: Sequence[Interaction]) -> list[Signal]:
        """Take counted requests in the order of their times; a signal for each alarm among them."""
        if not rows or not len(self.groups):
            return []
        kinds, signals, at = self.groups.of(rows), [], 0
        for one in self.detector.take(kinds, np.array([row.time for row in rows], dtype=np.float64)):
            self._keep(kinds[at : one.row + 1].tolist(), rows[at : one.row + 1])
            at = one.row + 1
            signals.append(self._signal(one, rows[one.row]))
        self._keep(kinds[at:].tolist(), rows[at:])
        return signals

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values of a size that traffic does not change."""
        return {"detector": self.detector.state(), "newest": [list(kept) for kept in self._newest]}

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Take over what `state` gave; where that was of other kinds, or there is none, nothing."""
        if state is None or state["detector"]["kinds"] != self.detector.kinds:
            return
        self.detector.load(state["detector"])
        self._newest = [deque(kept, maxlen=SHOWN) for kept in state["newest"]]

    def _keep(self, kinds: Sequence[int], rows: Sequence[Interaction]) -> None:
        for kind, row in zip(kinds, rows, strict=True):
            if kind >= 0:
                self._newest[kind].append(row.id)

    def _signal(self, one: Shifted, last: Interaction) -> Signal:
        return Signal(
            id=ids.derived("sig", self._task, PROPORTIONS, last.id),
            task=self._task,
            time=last.time,
            moved=Moved.MIX,
            detector=PROPORTIONS,
            statistic=math.exp(min(one.alarm.log_statistic, 700.0)),
            threshold=self._every,
            n=one.alarm.n,
            since=one.alarm.since_time,
            examples=tuple(self._newest[one.kind]),
        )
