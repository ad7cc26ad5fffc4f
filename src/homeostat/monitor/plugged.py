"""Detectors of installed packages that watch beside those that are there. They promise nothing about false alarms.

A detector of the group `homeostat.detectors` watches if it says on what: its attribute `watches` names a channel. It is
given how strange each request is among all before it, in [0, 1] with 1 for the strangest (even while nothing moves), or
each loss, in [0, 1]; as numbers of mean 0 and deviation 1 if it is `standard`. One that raises, or puts down what is no
JSON, is switched off, and goes on for nobody: what it does must not stop the watcher.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.channels import CONFIDENCE, NEIGHBORS
from homeostat.monitor.detectors.stream.detector import Detector
from homeostat.types import ids
from homeostat.types.signal import Moved, Signal

Floats = NDArray[np.float64]

LOSSES = "loss"
MOVED = {CONFIDENCE: Moved.NOVELTY, NEIGHBORS: Moved.MIX, LOSSES: Moved.PERFORMANCE}
"""What a detector may watch, and what its alarm says has moved."""
SHOWN = 10
_SPREAD = math.sqrt(12.0)
"""One over the deviation of a number that is even on [0, 1]."""


@dataclass(slots=True, kw_only=True)
class _Running:
    """A detector and what it watches."""

    detector: Detector
    watches: str
    n: int = 0
    """Numbers that it took since the start, or since its last alarm."""
    strangest: tuple[tuple[float, str], ...] = ()
    """The strangest of these, and whose they are."""


class Plugged:
    """The plugged-in detectors of one task. Which there are is settled when it is made."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._running: dict[str, _Running] = {}
        self._told: set[str] = set()
        self.broken: dict[str, str] = {}
        """Name -> why that detector was switched off."""
        for name in DETECTORS.brought():
            self._begin(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The detectors that watch now."""
        return tuple(self._running)

    def update(self, channel: str, values: Floats, rows: Sequence[tuple[str, float]]) -> list[Signal]:
        """Give numbers of a channel, and each one's interaction and time, to who watches it; a signal for each alarm.

        NaN is passed over.
        """
        return [
            signal
            for name, running in list(self._running.items())
            if running.watches == channel
            for signal in self._taken(name, running, values, rows)
        ]

    def broke(self) -> dict[str, str]:
        """Those switched off that nobody was told of yet, and why; each is given once."""
        new = {name: why for name, why in self.broken.items() if name not in self._told}
        self._told |= set(new)
        return new

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        kept = {}
        for name, running in list(self._running.items()):
            try:
                put = json.loads(json.dumps(running.detector.state(), allow_nan=False))
            except Exception as broken:  # whatever a stranger's code raises
                self._switch_off(name, broken)
                continue
            kept[name] = {"n": running.n, "strangest": [list(one) for one in running.strangest], "detector": put}
        return {"running": kept, "broken": self.broken, "told": sorted(self._told)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave. A detector that is new begins, one that was switched off stays so."""
        self._told |= set(state.get("told", ()))
        for name, why in state.get("broken", {}).items():
            self._running.pop(name, None)
            self.broken.setdefault(name, why)
        for name, kept in state.get("running", {}).items():
            if (running := self._running.get(name)) is None:
                continue
            try:
                running.detector.load(kept["detector"])
            except Exception as broken:  # whatever a stranger's code raises
                self._switch_off(name, broken)
            running.n, running.strangest = int(kept["n"]), tuple((float(v), str(i)) for v, i in kept["strangest"])

    def inherit(self, state: Mapping[str, Any]) -> None:
        """Take over of such a state what has to do with labels, and what was switched off; the others begin anew."""
        kept = {name: kept for name, kept in state.get("running", {}).items() if self._hears(name)}
        self.load({**state, "running": kept})

    def _hears(self, name: str) -> bool:
        return name in self._running and self._running[name].watches == LOSSES

    def _begin(self, name: str) -> None:
        try:
            made = DETECTORS.get(name)
            watches = getattr(made, "watches", None)
            if watches is None:
                return  # one for comparisons alone
            if watches not in MOVED:
                raise ValueError(f"watches {watches!r}, which is none of {', '.join(MOVED)}")
            self._running[name] = _Running(detector=made(), watches=watches)
        except Exception as broken:  # whatever a stranger's code raises
            self._switch_off(name, broken)

    def _taken(self, name: str, running: _Running, values: Floats, rows: Sequence[tuple[str, float]]) -> list[Signal]:
        signals = []
        try:
            for value, (interaction, time) in zip(values.tolist(), rows, strict=True):
                if math.isnan(value):
                    continue
                running.n += 1
                running.strangest = tuple(sorted((*running.strangest, (value, interaction)), reverse=True)[:SHOWN])
                given = _SPREAD * (value - 0.5) if running.detector.standard else value
                if running.detector.update(given):
                    signals.append(self._signal(name, running, interaction, time))
                    running.n, running.strangest = 0, ()
        except Exception as broken:  # whatever a stranger's code raises
            self._switch_off(name, broken)
        return signals

    def _signal(self, name: str, running: _Running, interaction: str, time: float) -> Signal:
        """Without a statistic, and so without a threshold; the change is put where it was told."""
        return Signal(
            id=ids.derived("sig", self._task, name, interaction),
            task=self._task,
            time=time,
            moved=MOVED[running.watches],
            detector=name,
            statistic=0.0,
            threshold=0.0,
            n=running.n,
            since=time,
            examples=tuple(whose for _, whose in running.strangest),
        )

    def _switch_off(self, name: str, broken: Exception) -> None:
        self._running.pop(name, None)
        self.broken[name] = f"{type(broken).__name__}: {broken}"
