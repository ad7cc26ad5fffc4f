"""The e-detector on proportions: the same kinds of requests come in other shares than before.

Kinds are numbered, and a request is of one kind. They are asked one after another, the commonest first: is it of this
one, or of one of those that are left? Each answer is ranked among the answers of the requests before, ties broken by
lot (a conformal p-value; Vovk et al. 2021, 2102.10439). While requests are exchangeable, whatever their shares, the
ranks of one question are even and independent; and given all answers to a question, the requests that are left are
exchangeable again. So the ranks of *all* questions are even and independent, together, and a product of bets on them,
one for each question that a request was asked, has mean 1 given all ranks before: any stake may depend on these, and
the mean over bets is an e-detector (`shiryaev_roberts`) with no caveat: an alarm at c comes on average no sooner than
every c requests.

What is bet: that the odds of one kind are RATIOS times what they were, for each kind; and that the shares are those of
the last HORIZONS requests, as far as ranks tell. Both need to know the shares. The reference cannot tell them, since
ranks are even only for who does not know it. So the first requests are counted apart: stakes are set by them, and the
reference begins after them. After an alarm both begin anew.

Topics follow the hour. A request is ranked among earlier ones of the same hour of the day, from the start, and of the
same hour of the week once weeks have been seen to repeat (`seasons`): shares that differ by the hour alone leave the
ranks even. The first day says little, therefore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.detectors.shiryaev_roberts import Alarm, ShiryaevRoberts
from homeostat.monitor.seasons import BY_DAY, HOURS, Season, days, hours_of, of_cells, packed, unpacked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RATIOS = (0.4, 1.6, 3.0)
"""What the odds of a kind are believed to become, in units of what they were."""
HORIZONS = (250, 1000)
"""Requests, about, whose shares are believed to go on."""
FIRM = 30.0
"""Requests' worth of belief in the shares that the first requests had."""
SEASONED = 4
"""Questions that are watched for weeks that repeat: about the commonest kinds."""
# Rows ranked at once; the comparison of a chunk with itself costs its square.
_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted:
    """An alarm: at which row of the call, what it says, and of which kind."""

    row: int
    alarm: Alarm
    kind: int
    """The kind whose share is believed to have moved; where many have, the one that grew most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stakes:
    """What is staked on each question, by the shares of the first requests."""

    order: Ints
    """The kinds in the order in which they are asked."""
    chance: Floats
    """Per question, the chance of a yes: float64[kinds - 1]."""
    yes: Floats
    """Logarithm of what each bet pays on a rank below the chance, float64[bets, kinds - 1]; the next, above."""
    no: Floats


class Proportions:
    """Counts of kinds by the hour, and the evidence that shares have moved. State of constant size."""

    def __init__(self, kinds: int, threshold: float, *, first: int, seed: int) -> None:
        """`kinds`: how many, 2 at least; `threshold`: mean requests to a false alarm; `first`: requests that stakes are
        set by; `seed` breaks ties.
        """
        self.kinds, self.threshold, self._first, self._seed = kinds, threshold, first, seed
        self._drawn = 0
        self._evidence = ShiryaevRoberts(len(RATIOS) * kinds + len(HORIZONS), threshold)
        self._season = Season(min(SEASONED, kinds - 1))
        self._known: Ints = np.zeros(kinds, dtype=np.int64)
        self._stakes: _Stakes | None = None
        self._counts: Ints = np.zeros((HOURS, kinds), dtype=np.int64)
        self._lately = np.zeros((len(HORIZONS), 2, kinds - 1))

    @property
    def level(self) -> float:
        """Natural logarithm of the statistic now; minus infinity before the first row and right after an alarm."""
        return self._evidence.level

    @property
    def cells(self) -> int:
        """How many parts of the week are told apart: 24 or 168."""
        return max(BY_DAY, self._season.cells)

    def take(self, kinds: Ints, times: Floats) -> Iterator[Shifted]:
        """Take the kinds of requests, int64[rows], in the order of their times (seconds since 1970); the alarms.

        A request of no kind (below 0) is passed over.
        """
        rows = np.flatnonzero(kinds >= 0)
        for day in days(times[rows]):
            own = rows[day]
            self._season.begin(float(times[own[0]]))
            at = 0
            while at < len(own):
                some = own[at : at + _ROWS]
                taken, alarm = self._some(kinds[some], times[some])
                at += taken
                if alarm:
                    yield self._begin_anew(int(some[taken - 1]), alarm)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "kinds": self.kinds,
            "drawn": self._drawn,
            "evidence": self._evidence.state(),
            "season": self._season.state(),
            "known": self._known.tolist(),
            "counts": packed(self._counts),
            "lately": self._lately.tolist(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave, of as many kinds."""
        self._drawn = int(state["drawn"])
        self._evidence.load(state["evidence"])
        self._season.load(state["season"])
        self._known = np.array(state["known"], dtype=np.int64)
        self._counts = unpacked(state["counts"], self._counts.shape)
        self._lately = np.array(state["lately"])
        self._stakes = stakes(self._known) if self._known.sum() >= self._first else None

    def _some(self, kinds: Ints, times: Floats) -> tuple[int, Alarm | None]:
        """Take rows of one day, up to an alarm; how many, and the alarm."""
        if self._stakes is None:
            learned = kinds[: self._first - int(self._known.sum())]
            self._known += np.bincount(learned, minlength=self.kinds)
            if self._known.sum() >= self._first:
                self._stakes = stakes(self._known)
            return len(learned), None
        hours, place = hours_of(times), np.argsort(self._stakes.order)[kinds]
        p = self._rank(place, hours, self._lots(len(kinds)))
        low, asked = p < self._stakes.chance, ~np.isnan(p)
        fixed = low @ self._stakes.yes.T + (asked & ~low) @ self._stakes.no.T
        lately = [self._running(k, low, asked) for k in range(len(HORIZONS))]
        logs = np.column_stack([fixed, *(self._believed(sums[:, :-1], low, asked) for sums in lately)])
        levels, alarm = self._evidence.scan(logs, times)
        taken = len(levels)
        np.add.at(self._counts, (hours[:taken], kinds[:taken]), 1)
        self._season.learn(p[:taken, : min(SEASONED, self.kinds - 1)], hours[:taken])
        self._lately = np.stack([sums[:, taken] for sums in lately])
        self._drawn += taken * (self.kinds - 1)
        return taken, alarm

    def _rank(self, place: Ints, hours: Ints, u: Floats) -> Floats:
        """P-values of the answers to each question, float64[rows, kinds - 1]; NaN where it was not asked.

        `place` is each kind's place in the order, `u` lots on (0, 1] of the shape of what comes back.
        """
        cell, asked = hours % self.cells, np.arange(self.kinds)
        assert self._stakes is not None
        counts = of_cells(self._counts, self.cells)[cell][:, self._stakes.order]
        before = np.tri(len(place), k=-1, dtype=bool) & (cell[None] == cell[:, None])
        yes = counts + before @ (place[:, None] == asked).astype(np.int64)
        left = yes[:, ::-1].cumsum(axis=1)[:, ::-1]
        yes, left, at = yes[:, :-1], left[:, :-1], asked[:-1]
        said_yes = u * (yes + 1) / (left + 1)
        said_no = (yes + u * (left - yes + 1)) / (left + 1)
        p = np.where(place[:, None] == at, said_yes, said_no)
        return np.asarray(np.where(place[:, None] >= at, p, np.nan), dtype=np.float64)

    def _running(self, horizon: int, low: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Floats:
        """Ranks below the chance, and ranks, that fade over a horizon, before each row and after the last:
        float64[2, rows + 1, kinds - 1].
        """
        fade = (1.0 - 1.0 / HORIZONS[horizon]) ** np.arange(len(low) + 1)
        seen = np.stack([low, asked]) / fade[:-1, None]
        sums = np.concatenate([np.zeros((2, 1, self.kinds - 1)), seen.cumsum(axis=1)], axis=1)
        return np.asarray((self._lately[horizon][:, None] + sums) * fade[:, None], dtype=np.float64)

    def _believed(self, sums: Floats, low: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Floats:
        """Logarithm of the bet on the shares of late, float64[rows], by what `_running` gave."""
        assert self._stakes is not None
        chance = self._stakes.chance
        now = (sums[0] + FIRM * chance) / (sums[1] + FIRM)
        paid = np.where(low, np.log(now / chance), np.log((1.0 - now) / (1.0 - chance)))
        return np.asarray(np.where(asked, paid, 0.0).sum(axis=1), dtype=np.float64)

    def _begin_anew(self, row: int, alarm: Alarm) -> Shifted:
        """Forget shares and reference: what comes now is what is normal. Seasons are remembered."""
        assert self._stakes is not None
        lows, ranks = self._lately[0]
        most = int(((lows + FIRM * self._stakes.chance) / (ranks + FIRM) - self._stakes.chance).argmax())
        odds = alarm.leader < len(RATIOS) * self.kinds
        kind = alarm.leader // len(RATIOS) if odds else int(self._stakes.order[most])
        self._known[:], self._counts[:], self._lately[:], self._stakes = 0, 0, 0.0, None
        return Shifted(row=row, alarm=alarm, kind=kind)

    def _lots(self, rows: int) -> Floats:
        """Uniform numbers on (0, 1], the same for the same row however rows are cut into calls."""
        bits = np.random.PCG64(self._seed)
        bits.advance(self._drawn)
        return 1.0 - np.random.Generator(bits).random((rows, self.kinds - 1))


def stakes(known: Ints) -> _Stakes:
    """What is staked, by how often each kind came among the first requests, int64[kinds]."""
    order = np.argsort(-known, kind="stable")
    share = (known[order] + 0.5) / (known.sum() + 0.5 * len(known))
    left = share[::-1].cumsum()[::-1]
    chance = share / left
    yes, no = (np.zeros((len(known), len(RATIOS), len(known))) for _ in range(2))
    for place, kind in enumerate(order.tolist()):
        for k, ratio in enumerate(RATIOS):
            grown = np.where(np.arange(len(known)) <= place, left + (ratio - 1.0) * share[place], left)
            now = np.where(np.arange(len(known)) == place, ratio * share, share) / grown
            yes[kind, k] = np.log(now / chance)
            no[kind, k, :-1] = np.log((1.0 - now[:-1]) / (1.0 - chance[:-1]))
    flat = (len(known) * len(RATIOS), len(known))
    return _Stakes(order=order, chance=chance[:-1], yes=yes.reshape(flat)[:, :-1], no=no.reshape(flat)[:, :-1])
