"""The e-detector against a reference that stays as it is: for a change so small that a growing one takes it in.

A reference of n rows is not the distribution that it was drawn from. Whoever bets against it as if it were, wins from
its luck (the fixed-window trap). So each bet here is against a bound of what the reference cannot know. Of a new row,
the probability to be stranger than the k + 1 strangest of n is Beta(k + 1, n - k) over references, exactly and for any
distribution, ties broken at random; above its upper quantile it lies rarely. A bet that more rows than this bound are
so strange loses on average, whatever the order in which one looks, for all references but a share `LUCKLESS`; and the
threshold is raised by as much as these could take from the mean number of rows to a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from homeostat.monitor.detectors.shiryaev_roberts import Alarm, ShiryaevRoberts
from homeostat.monitor.seasons import ALL, BY_DAY, BY_WEEK, HourlyCounts, binned, hours_of, of_cells, packed, unpacked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS = 2_000
"""Rows of the reference."""
LUCKLESS = 0.05
"""Share of references whose luck is beyond the bounds."""
TAILS = (0.01, 0.03, 0.1, 0.25, 0.5)
SHARES = (0.03, 0.1, 0.3)
BETS = 2 * len(TAILS) * len(SHARES)
STRANGER = np.arange(BETS) < BETS // 2
"""Which of a channel's bets pay when scores get stranger. The others pay when they get more familiar."""
_LEAST = 20
"""Rows of a part of the week without which nothing is bet on it."""
_WEIGHTS = {ALL: 0.5, BY_DAY: 0.25, BY_WEEK: 0.25}
"""How LUCKLESS is dealt to the ways of telling hours apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """Which rows lie in which tail, per part of the week and side; arrays are [cells, 2, tails]."""

    bin: Ints
    tie: Floats
    """A row in this very bin lies in the tail if its lot is beyond."""
    bound: Floats
    """Upper bound of the share of rows in the tail; NaN where the part has too few rows."""


def tails(counts: Ints, unlucky: float, rng: np.random.Generator) -> Tails:
    """The tails of counts int64[cells, bins], with bounds that each fail for a share `unlucky` of references."""
    sides = [_tail(side, unlucky, rng) for side in (counts, counts[:, ::-1])]
    bin, tie, bound = (np.stack(parts, axis=1) for parts in zip(*sides, strict=True))
    return Tails(bin, tie, bound)


def _tail(counts: Ints, unlucky: float, rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
    at_least = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    n = at_least[:, :1]
    k = (n * np.array(TAILS)).astype(np.int64)
    # The bin of the (k + 1)-th strangest row, and which of the rows in it that is.
    bin = (at_least[:, None, :] >= k[..., None] + 1).sum(axis=2) - 1
    cell = np.arange(len(counts))[:, None]
    held = np.maximum(counts[cell, bin], 1)
    place = np.clip(k + 1 - (at_least[cell, bin] - counts[cell, bin]), 1, held)
    bound = betaincinv(k + 1.0, np.maximum(n - k, 1.0), 1.0 - unlucky)
    return bin, rng.beta(held - place + 1.0, place), np.where(n >= _LEAST, bound, np.nan)


class FixedReference:
    """Learns what is normal from the first ROWS rows, bets against it ever after, and begins anew after an alarm."""

    def __init__(self, edges: Sequence[Floats], threshold: float, seed: int = 0) -> None:
        """`edges` of each channel's bins; `threshold` is the mean number of rows to a false alarm."""
        self._held = [HourlyCounts(one) for one in edges]
        self.threshold, self._seed = threshold, seed
        self.evidence = ShiryaevRoberts(BETS * len(edges), threshold / (1.0 - LUCKLESS))
        self.learned = 0
        """Rows in the reference."""
        self._begun = 0
        self._tails: tuple[int, list[Tails]] | None = None

    @property
    def rows(self) -> int:
        """Rows seen since the start."""
        return self.evidence.rows

    def begin_anew(self) -> None:
        """Forget reference and evidence: what is normal is what comes next."""
        for held in self._held:
            held.counts[:] = 0
        self.learned, self._begun, self._tails = 0, self.rows, None
        self.evidence.begin_anew(0.0)

    def take(self, scores: Floats, u: Floats, times: Floats, cells: int = ALL) -> tuple[int, Alarm | None]:
        """Take rows up to an alarm or a limit: how many were taken, and the alarm.

        `scores` and the lots `u` are float64[rows, channels]; `cells` is how many parts of the week are told apart.
        """
        if self.learned < ROWS:
            taken = min(len(scores), ROWS - self.learned)
            self.learn(scores[:taken], times[:taken])
            self.evidence.rows += taken
            return taken, None
        logs = self.log_bets(scores, u, hours_of(times), cells)
        levels, alarm = self.evidence.scan(logs, times)
        if alarm:
            self.begin_anew()
        return len(levels), alarm

    def learn(self, scores: Floats, times: Floats) -> None:
        """Put rows into the reference, as many as it still lacks."""
        missing = ROWS - self.learned
        for held, column in zip(self._held, scores[:missing].T, strict=True):
            held.learn(column, hours_of(times[:missing]))
        self.learned += len(scores[:missing])

    def log_bets(self, scores: Floats, u: Floats, hours: Ints, cells: int) -> Floats:
        """Logarithms of the bets on each row, float64[rows, channels * BETS]."""
        if self._tails is None or self._tails[0] != cells:
            self._tails = cells, self._bounds(cells)
        columns = zip(self._held, self._tails[1], scores.T, u.T, strict=True)
        return np.hstack([_logs(held, of, column, lots, hours % cells) for held, of, column, lots in columns])

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        counts = [packed(held.counts) for held in self._held]
        return {"learned": self.learned, "begun": self._begun, "counts": counts, "evidence": self.evidence.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.learned, self._begun = int(state["learned"]), int(state["begun"])
        for held, text in zip(self._held, state["counts"], strict=True):
            held.counts = unpacked(text, held.counts.shape)
        self.evidence.load(state["evidence"])
        self._tails = None

    def _bounds(self, cells: int) -> list[Tails]:
        # Lots of their own for each reference, the same ones whenever it is taken up again.
        rng = np.random.default_rng([self._seed, self._begun, cells])
        unlucky = LUCKLESS * _WEIGHTS[cells] / (len(self._held) * 2 * len(TAILS) * cells)
        return [tails(of_cells(held.counts, cells), unlucky, rng) for held in self._held]


def _logs(held: HourlyCounts, of: Tails, scores: Floats, u: Floats, cell: Ints) -> Floats:
    """Bets of one channel, float64[rows, BETS]: where a share s more than the bound b is expected in the tail, a row in
    it multiplies the stake by (b + s (1 - b)) / b, and another by 1 - s.
    """
    known = ~np.isnan(scores)
    bins = np.where(known, binned(held.edges, np.where(known, scores, 0.0)), 0)
    both, lots = np.stack([bins, len(held.edges) - bins], axis=1), np.stack([u, 1.0 - u], axis=1)
    at, tie, b = of.bin[cell], of.tie[cell], of.bound[cell][..., None]
    inside = (both[..., None] > at) | ((both[..., None] == at) & (lots[..., None] > tie))
    s = np.array(SHARES)
    logs = np.where(inside[..., None], np.log((b + s * (1 - b)) / b), np.log1p(-s))
    logs = np.where(known[:, None, None, None], np.nan_to_num(logs * ~np.isnan(b), nan=0.0), 0.0)
    return np.asarray(logs.reshape(len(scores), BETS), dtype=np.float64)
