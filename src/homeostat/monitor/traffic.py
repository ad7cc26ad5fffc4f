"""The detectors of requests, which share one allowance of false alarms: numbers in, alarms out.

Three look at the same scores. The e-detector against everything before is the quick one. The one against a fixed
reference finds a small change that came early and stayed. The one per slice finds a change that few requests
meet. Each has a share of the rate of false alarms, so that all together keep it: that one of them alarms falsely within
n rows has at most the sum of the three probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Monitor
from homeostat.monitor.detectors import fixed
from homeostat.monitor.detectors.fixed import FixedReference
from homeostat.monitor.detectors.shiryaev_roberts import BETS, STRANGER, Alarm, ShiryaevRoberts, log_bets, log_mean
from homeostat.monitor.detectors.sliced import Ranks, Sliced
from homeostat.monitor.reference import Reference
from homeostat.monitor.seasons import ALL, days

Floats = NDArray[np.float64]

QUICK, FIXED, SLICED = "shiryaev_roberts", "fixed_reference", "slices"
ALLOWED = {QUICK: 0.8, FIXED: 0.1, SLICED: 0.1}
"""Detector -> its share of the false alarms."""
_EVEN = np.linspace(0.0, 1.0, 129)[1:-1]
# Rows of one piece: what a scan takes at once.
_ROWS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """An alarm: by which detector, and at which row of the piece."""

    row: int
    detector: str
    alarm: Alarm
    channel: int
    """The channel that leads it."""
    stranger: bool
    """Whether that channel's scores got stranger; otherwise more familiar."""
    own: Floats
    """Natural logarithms of the CUSUMs of the bets that the first channel got stranger."""
    statistic: float
    """In units in which the threshold is `Monitor.false_alarm_every`, whatever the detector's share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows that were taken together, and what came of them."""

    first: int
    """Number of the first row in the call."""
    number: int
    """Its number since the start of the quick detector."""
    p: Floats
    """float64[rows, channels]."""
    levels: Floats
    """log10 of the quick detector's statistic per channel and row, in units of `Monitor.false_alarm_every`."""
    slices: Ranks
    """Per slice, its rows' numbers in the piece and their p-values within the slice."""
    raised: Sequence[Raised]
    """In the order of the rows."""


class Traffic:
    """Ranks scores of a stream and bets on the ranks. State of constant size."""

    def __init__(self, reference: Reference, settings: Monitor) -> None:
        """`reference` says what is normal, and grows by the rows taken."""
        self.reference, self.settings = reference, settings
        channels, every = len(reference.channels), settings.false_alarm_every
        self.quick = ShiryaevRoberts(BETS * channels, every / ALLOWED[QUICK])
        self.fixed = FixedReference(reference.edges, every / ALLOWED[FIXED], settings.seed)
        self.sliced = Sliced(reference.edges, every / ALLOWED[SLICED])
        self._drawn, self._by_hour = 0, False

    def learn(self, scores: Floats, times: Floats) -> None:
        """Take rows, float64[rows, channels], of these times for normal."""
        self.reference.learn(scores, times)
        self.fixed.learn(scores, times)

    def take(self, scores: Floats, times: Floats, places: Sequence[Sequence[str]]) -> Iterator[Piece]:
        """Take rows in the order of their times, with the slices that each is in; pieces in their order.

        The first `min_reference` rows, those learned before included, are what is normal, and are in no piece.
        """
        at = min(len(scores), max(0, self.settings.min_reference - self.reference.n))
        self.learn(scores[:at], times[:at])
        for day in days(times[at:]):
            for first in range(at + day.start, at + day.stop, _ROWS):
                rows = slice(first, min(first + _ROWS, at + day.stop))
                yield self._piece(first, scores[rows], times[rows], places[rows])

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values of a size that traffic does not change."""
        return {
            "drawn": self._drawn,
            "by_hour": self._by_hour,
            "reference": self.reference.state(),
            "detector": self.quick.state(),
            "fixed": self.fixed.state(),
            "sliced": self.sliced.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self._drawn = int(state["drawn"])
        self.reference.load(state["reference"])
        self.quick.load(state["detector"])
        self.fixed.load(state["fixed"])
        if state["by_hour"]:
            self._tell_hours_apart()
        self.sliced.load(state["sliced"])

    def _piece(self, first: int, scores: Floats, times: Floats, places: Sequence[Sequence[str]]) -> Piece:
        u, number = self._ties(len(scores)), self.quick.rows
        p = self.reference.rank(scores, u, times)
        if self.reference.cells > ALL and not self._by_hour:
            self._tell_hours_apart()
        within = self.sliced.rank(1.0 - p if self._by_hour else scores, u, places)
        logs, at = log_bets(p), 0
        levels: list[Floats] = []
        raised: list[Raised] = []
        while at < len(p):
            taken, alarm = self.quick.scan(logs[at:], times[at:])
            levels.append(taken)
            raised += self._beside(at, at + len(taken), scores, u, times, within)
            at += len(taken)
            if alarm:
                raised.append(self._raised(at - 1, QUICK, alarm))
                self.fixed.begin_anew()
                self.sliced.begin_anew()
        return Piece(
            first=first,
            number=number,
            p=p,
            levels=self._shown(np.vstack(levels)),
            slices=within,
            raised=sorted(raised, key=lambda one: one.row),
        )

    def _beside(self, at: int, until: int, scores: Floats, u: Floats, times: Floats, within: Ranks) -> Iterator[Raised]:
        """The alarms of the other two among rows from `at` to before `until`."""
        done = at
        while done < until:
            rows = slice(done, until)
            taken, alarm = self.fixed.take(scores[rows], u[rows], times[rows], self.reference.cells)
            done += taken
            if alarm:
                yield self._raised(done - 1, FIXED, alarm)
        while at < until:
            at, alarms = self.sliced.scan(within, times, at, until)
            yield from (self._raised(at - 1, SLICED, alarm) for alarm in alarms)

    def _tell_hours_apart(self) -> None:
        """Slices rank p-values from now on: a score is no longer compared with those of all hours."""
        self._by_hour = True
        self.sliced.forget([_EVEN] * len(self.reference.channels))

    def _raised(self, row: int, detector: str, alarm: Alarm) -> Raised:
        bets = fixed.STRANGER if detector == FIXED else STRANGER
        beside = self.fixed.evidence.threshold if detector == FIXED else self.sliced.threshold
        threshold = self.quick.threshold if detector == QUICK else beside
        channel, bet = divmod(alarm.leader, len(bets))
        beyond = min(alarm.log_statistic - math.log(threshold), 600.0)
        return Raised(
            row=row,
            detector=detector,
            alarm=alarm,
            channel=channel,
            stranger=bool(bets[bet]),
            own=alarm.runs[: len(bets)][bets],
            statistic=self.settings.false_alarm_every * math.exp(beyond),
        )

    def _shown(self, levels: Floats) -> Floats:
        by_channel = log_mean(levels.reshape(len(levels), -1, BETS))
        return np.asarray((by_channel + math.log(ALLOWED[QUICK])) / math.log(10.0), dtype=np.float64)

    def _ties(self, rows: int) -> Floats:
        """Uniform numbers on (0, 1], the same for the same row however rows are cut into calls."""
        channels, bits = len(self.reference.channels), np.random.PCG64(self.settings.seed)
        bits.advance(self._drawn)
        self._drawn += rows * channels
        return 1.0 - np.random.Generator(bits).random((rows, channels))
