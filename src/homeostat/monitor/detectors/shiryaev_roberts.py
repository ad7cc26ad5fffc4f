"""The Shiryaev–Roberts e-detector: evidence for a change at any time since the start, summed.

Every bet multiplies its stake by f, where f has mean at most 1 while nothing moves. M = (M + 1) f then has mean at most
the number of rows, at any time one stops, so that an alarm at mean(M) >= c comes on average no sooner than every c
rows: no distribution assumed, nothing asymptotic (Shin, Ramdas and Rinaldo 2022, 2203.03532). The mean over bets is
such a statistic again, and costs a delay of log(number of bets) only.

Everything is kept in logarithms: M overflows a float within minutes of a real change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# From a change of a quarter of the rows that a channel hardly sees to one of all that it sees well: a bet on a larger
# shift than there is loses.
EPS = (-1.4, -0.7, -0.35, 0.35, 1.4)
KAP = (0.3, 0.6, 0.85)
BETS = len(EPS) + len(KAP)
# Which of a channel's bets pay when scores get stranger. The others pay when they get more familiar.
STRANGER = np.array([eps < 0 for eps in EPS] + [True for _ in KAP])

# Rows scanned at once.
_ROWS = 1024


def log_bets(p: Floats) -> Floats:
    """Logarithms of the eight bets on each p-value: float64[rows, channels] to float64[rows, channels * BETS].

    Each bet integrates to 1 over [0, 1]: 1 + eps (p - 1/2) for a shift of the mean, kap p^(kap - 1) for a tail of
    very strange scores. A NaN bets nothing (logarithm 0).
    """
    held = np.clip(p, 1e-12, 1 - 1e-12)[..., None]
    kap = np.array(KAP)
    linear = np.log1p(np.array(EPS) * (held - 0.5))
    power = np.log(kap) + (kap - 1) * np.log(held)
    logs = np.nan_to_num(np.concatenate([linear, power], axis=-1), nan=0.0)
    return np.asarray(logs.reshape(len(p), p.shape[1] * BETS), dtype=np.float64)


def log_mean(logs: Floats) -> Floats:
    """Logarithm of the mean of what stands behind the logarithms in the last axis."""
    return np.asarray(np.logaddexp.reduce(logs, axis=-1) - math.log(logs.shape[-1]), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """The statistic passed its threshold."""

    log_statistic: float
    """Natural logarithm of mean(M)."""
    runs: Floats
    """Natural logarithm of the CUSUM per bet, float64[bets], not below 0: the evidence of its best run up to here."""
    leader: int
    """The bet whose CUSUM is highest."""
    n: int
    """Rows since the start or the last alarm, the row of this alarm included."""
    since_row: int
    """Where the leader's run began: the estimate of the change, counted in rows since the start."""
    since_time: float
    """Time of that row."""
    slice: str = ""
    """Among which rows it was seen; empty for all."""


class ShiryaevRoberts:
    """M and a CUSUM per bet, over any number of bets. After an alarm both begin anew."""

    def __init__(self, bets: int, threshold: float) -> None:
        """`bets` is the number of columns it will be given, `threshold` the mean number of rows to a false alarm."""
        self.threshold = threshold
        self.rows = 0
        """Rows seen since the start."""
        self._begun = 0
        self._held = np.zeros(bets)  # log(M + 1): unlike log M, finite before the first row
        self._run = np.zeros(bets)  # log of max(CUSUM, 1)
        self._since_row: Ints = np.zeros(bets, dtype=np.int64)
        self._since_time = np.zeros(bets)

    @property
    def level(self) -> float:
        """Natural logarithm of mean(M) now; minus infinity before the first row."""
        held = self._held[self._held > 0]
        if not len(held):
            return -math.inf
        return float(np.logaddexp.reduce(held + np.log1p(-np.exp(-held)))) - math.log(len(self._held))

    def scan(self, logs: Floats, times: Floats) -> tuple[Floats, Alarm | None]:
        """Take rows of log-bets, float64[rows, bets], up to an alarm or a limit; log M after each row taken.

        The rows taken are as many as come back; call again with the rest. Times are seconds since 1970.
        """
        logs = logs[:_ROWS]
        total, levels = self._ahead(logs)
        mean = log_mean(levels)
        over = np.flatnonzero(mean >= math.log(self.threshold))
        taken = int(over[0]) + 1 if len(over) else len(levels)
        self._follow(total[: taken + 1], times)
        self.rows += taken
        self._held = np.logaddexp(levels[taken - 1], 0.0)
        alarm = self.begin_anew(float(mean[taken - 1])) if len(over) else None
        return levels[:taken], alarm

    def ahead(self, logs: Floats) -> Floats:
        """Log M after each of these rows, float64[rows, bets], if they were taken; none is, and none begins anew."""
        return self._ahead(logs)[1]

    def begin_anew(self, log_statistic: float) -> Alarm:
        """Forget all evidence, and say what it was."""
        leader = int(self._run.argmax())
        alarm = Alarm(
            log_statistic=log_statistic,
            runs=self._run,
            leader=leader,
            n=self.rows - self._begun,
            since_row=int(self._since_row[leader]),
            since_time=float(self._since_time[leader]),
        )
        self._begun = self.rows
        self._held, self._run = np.zeros_like(self._held), np.zeros_like(self._run)
        return alarm

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "rows": self.rows,
            "begun": self._begun,
            "held": self._held.tolist(),
            "run": self._run.tolist(),
            "since_row": self._since_row.tolist(),
            "since_time": self._since_time.tolist(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.rows, self._begun = int(state["rows"]), int(state["begun"])
        self._held, self._run = np.array(state["held"]), np.array(state["run"])
        self._since_row = np.array(state["since_row"], dtype=np.int64)
        self._since_time = np.array(state["since_time"])

    def _ahead(self, logs: Floats) -> tuple[Floats, Floats]:
        total = np.vstack([np.zeros(logs.shape[1]), np.cumsum(logs, axis=0)])
        # M after t rows is the sum, over every row j at which the change may have come, of the bets from j to t.
        ahead = np.vstack([self._held, -total[1:-1]])
        return total, total[1:] + np.logaddexp.accumulate(ahead, axis=0)

    def _follow(self, total: Floats, times: Floats) -> None:
        """Carry the CUSUMs, C = max(C, 1) f, over these rows, and where the run of each began."""
        starts = np.vstack([self._run, -total[1:-1]])
        last = len(starts) - 1 - np.argmax(starts[::-1], axis=0)
        carried = (last == 0) & (self._run > 0)
        self._since_row = np.where(carried, self._since_row, self.rows + last)
        self._since_time = np.where(carried, self._since_time, times[last])
        self._run = np.maximum(total[-1] + starts.max(axis=0), 0.0)
