"""The e-detector on losses of labeled interactions: more replies are wrong than before, among all or in a slice."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics.replies import agreement
from homeostat.monitor.detectors.frequent import Frequent
from homeostat.monitor.detectors.shiryaev_roberts import Alarm, ShiryaevRoberts
from homeostat.monitor.reference import Histogram
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]

STAKES = (0.05, 0.1, 0.2, 0.4, 0.8)
TAILS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.55)
SHARES = (0.05, 0.15, 0.4)
UNKNOWN = 2.0
"""The loss of a reply whose right label the version does not know: stranger than any that it could have avoided."""
TOLERATED = 0.01
"""Share of such rows that is no cause for alarm."""
WATCHED = 200
"""Slices whose losses are watched, at most: those that come most often (`frequent`)."""
EDGES = np.append(np.linspace(0.0, 1.0, 65)[1:], 1.5)
_TAIL, _SHARE = (grid.ravel() for grid in np.meshgrid(TAILS, SHARES))
_RANKS = len(TAILS) * len(SHARES)
_SUREST = 1e-4
"""Chance to be wrong below which a reply is as sure as any."""


def loss(interaction: Interaction, feedback: Feedback, labels: Collection[str] = ()) -> float | None:
    """How wrong a reply was, in [0, 1], or None if the feedback does not say.

    A label is right or wrong, a correction as wrong as the reply is from it (`metrics.replies`), a rating 1 minus its
    value. A label that is not among `labels`, those the version knows, is UNKNOWN, where there are any.
    """
    if feedback.kind is FeedbackKind.LABEL:
        if labels and feedback.value.strip() not in labels:
            return UNKNOWN
        return float(interaction.reply.strip() != feedback.value.strip())
    if feedback.kind is FeedbackKind.CORRECTION:
        same = interaction.reply.strip() == feedback.value.strip()
        return 0.0 if same else 1.0 - agreement(interaction.reply, feedback.value)
    if feedback.kind is FeedbackKind.RATING:
        return _rating(feedback.value)
    return None


def surprise(loss: float, confidence: float) -> float:
    """How strange a loss in [0, 1] is, in [0, 1]: half of it, and up to all of it the surer the reply was.

    A model that knows what it does not know errs where it is unsure. When what is right changes, it errs where it is
    sure; that is seen in a few labels, long before the number of errors says anything. UNKNOWN stays what it is.
    """
    if loss > 1.0:
        return loss
    sure = math.log(max(1.0 - confidence, 0.0) + _SUREST) / math.log(_SUREST)
    return loss * (1.0 + min(max(sure, 0.0), 1.0)) / 2


class LossDetector:
    """More replies are wrong than before, or surer ones, or more of them could not be right: the label is not one the
    version knows.

    Without a baseline it bets on conformal p-values of the losses, as the traffic's detector does on strangeness: the
    reference is every labeled row so far, and while losses are exchangeable, alarms come on average no sooner than
    every `threshold` labeled rows, whatever their rate. What is ranked is `surprise`: an error is the stranger the
    surer the reply was. A bet (tail, share) expects that of the p-values above `tail` a `share` falls below it now:
    that such a share of the requests is of a new kind and answered wrong. Beside these are bets that more than
    TOLERATED of the rows have an unknown label: no reference takes that in as it grows.

    Half of what is staked on each row is staked on its slices: on the losses of the rows that have a reply, the value
    of a tag or a language in common, compared with those before them. A change that a few requests in a hundred meet is
    lost among all, and plain there. What is told of is e-d-BH's choice (Dandapanthula and Ramdas 2025, 2501.04130),
    with weights: the k that have most, for the largest k for which each of them has `threshold` / k or more, where all
    rows count with M / 2 and a slice with M / 2K. K is the number of ways to slice and not that of slices: M of a slice
    has mean at most the number of its own rows, and the slices of one way share the rows among them, so that all of
    these together have mean at most the number of all rows. So, whenever one stops, of what is told of a share has not
    moved that is on average at most the number of rows divided by `threshold`, however slices overlap; and while
    nothing moves the first alarm comes on average no sooner than every `threshold` rows. After one, all evidence begins
    anew. There is evidence of at most WATCHED slices; which ones they are is told by how often they come, alone.

    With a baseline it bets that the mean loss is above it: f = 1 + lambda (loss - baseline), lambda in STAKES /
    baseline, over all rows. No exchangeability is asked for then: losses may depend on each other, so long as the mean
    loss, given all before, is at most the baseline (Shin, Ramdas and Rinaldo 2022, 2203.03532; Podkopaev and Ramdas
    2021, 2110.06177).
    """

    def __init__(self, threshold: float, baseline: float | None = None, seed: int = 0) -> None:
        """`baseline` is an upper bound of the mean loss at the time of release, in [0, 1]; `seed` breaks ties."""
        self.baseline = None if baseline is None else min(max(baseline, 0.01), 0.99)
        # A baseline of zero would be broken by a single wrong label, one of one could never be.
        self.threshold, self._seed, self._begun = threshold, seed, 0
        self._all = _Watched((_RANKS if baseline is None else 0) + len(STAKES))
        self._slices: dict[str, _Watched] = {}
        self._frequent, self._levels = Frequent(WATCHED), dict[str, float]()
        self.highest = -math.inf
        """Highest level since the start, those of alarms included."""

    @property
    def rows(self) -> int:
        """Labeled rows bet on since the start."""
        return self._all.evidence.rows

    @property
    def level(self) -> float:
        """Natural logarithm of the statistic now, the largest k times the k-th largest of all rows and slices; minus
        infinity before the first row and right after an alarm.
        """
        falling = sorted(self._heights().values(), reverse=True)
        return max(height + math.log(k) for k, height in enumerate(falling, 1))

    @property
    def names(self) -> tuple[str, ...]:
        """The slices watched."""
        return tuple(self._slices)

    def update(
        self, loss: float, time: float, slices: Collection[str] = (), confidence: float = 0.0
    ) -> tuple[Alarm, ...]:
        """Take the loss, in [0, 1] or UNKNOWN, of an interaction of this time, in these slices, whose reply was so
        confident; what is told of, the strongest first. A slice is named `way=value`, at most one of each way is given.
        """
        row = self.rows
        if self.baseline is None:
            unknown, strange = _against(TOLERATED, float(loss == UNKNOWN)), surprise(loss, confidence)
            self._all.take(np.append(self._all.against_ranks(strange, self._tie(1, row)), unknown), row, time)
            tie = self._tie(2, row)
            for name in slices:
                own = self._watched(name)
                own.take(own.against_ranks(strange, tie), row, time)
                self._levels[name] = own.evidence.level
        else:
            self._all.take(_against(self.baseline, min(loss, 1.0)), row, time)
        return self._told()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "baseline": self.baseline,
            "begun": self._begun,
            "all": self._all.state(),
            "slices": {name: own.state() for name, own in self._slices.items()},
            "frequent": self._frequent.state(),
            "highest": self.highest if self.rows else None,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.baseline, self._begun = state["baseline"], int(state["begun"])
        self._all.load(state["all"])
        self._slices = {name: _Watched(_RANKS) for name in state["slices"]}
        for name, own in self._slices.items():
            own.load(state["slices"][name])
        counted = {name: own.reference.n for name, own in self._slices.items()}
        self._frequent.load(state.get("frequent", counted))  # older states have none
        self._levels = {name: own.evidence.level for name, own in self._slices.items()}
        kept = state.get("highest")  # older states have none
        self.highest = self.level if kept is None else float(kept)

    def _watched(self, name: str) -> _Watched:
        """What is known of a slice; for a new one a rarer one may have to go."""
        if gone := self._frequent.take(name):
            del self._slices[gone]
            self._levels.pop(gone, None)
        return self._slices.setdefault(name, _Watched(_RANKS))

    def _heights(self) -> dict[str, float]:
        """Natural logarithm of weight times M: of all rows (the name is empty) and of each slice."""
        overall = self._all.evidence.level
        if not self._slices:
            return {"": overall}
        way = math.log(2 * self._frequent.ways)
        return {"": overall - math.log(2), **{name: level - way for name, level in self._levels.items()}}

    def _told(self) -> tuple[Alarm, ...]:
        """What e-d-BH tells of; if anything, all evidence begins anew."""
        heights, line = self._heights(), math.log(self.threshold)
        falling = sorted(heights, key=heights.__getitem__, reverse=True)
        levels = [heights[name] + math.log(k) for k, name in enumerate(falling, 1)]
        self.highest = max(self.highest, *levels)
        most = max((k for k, level in enumerate(levels, 1) if level >= line), default=0)
        if not most:
            return ()
        self._levels.clear()
        begun = {name: own.evidence.begin_anew(0.0) for name, own in {"": self._all, **self._slices}.items()}
        n, self._begun = self.rows - self._begun, self.rows
        return tuple(
            replace(begun[name], log_statistic=heights[name] + math.log(most), n=n, slice=name)
            for name in falling[:most]
        )

    def _tie(self, stream: int, row: int) -> Floats:
        """Uniform on (0, 1], the same for the same row, whenever it comes; other ones than the traffic's detector's."""
        bits = np.random.PCG64([self._seed, stream])
        bits.advance(row)
        return 1.0 - np.random.Generator(bits).random(1)


class _Watched:
    """Some of the rows: which losses are normal among them, and the evidence that they no longer are."""

    def __init__(self, bets: int) -> None:
        self.reference, self.evidence = Histogram(EDGES), ShiryaevRoberts(bets, math.inf)

    def against_ranks(self, strange: float, tie: Floats) -> Floats:
        """Logarithms of the bets on the rank of a surprise among those so far, which it then joins."""
        (p,) = self.reference.rank(np.array([strange]), tie)
        logs: Floats = np.where(p <= _TAIL, np.log((_TAIL + _SHARE * (1 - _TAIL)) / _TAIL), np.log1p(-_SHARE))
        return logs

    def take(self, logs: Floats, row: int, time: float) -> None:
        """Take the bets on one row, whose number is counted over all slices."""
        self.evidence.rows = row
        self.evidence.scan(logs[None], np.array([time]))

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values; of the counts those that are not zero."""
        counts = {str(bin): int(n) for bin, n in enumerate(self.reference.counts) if n}
        return {"reference": counts, "evidence": self.evidence.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        for bin, n in state["reference"].items():
            self.reference.counts[int(bin)] = n
        self.evidence.load(state["evidence"])


def _against(baseline: float, loss: float) -> Floats:
    return np.log1p(np.array(STAKES) / baseline * (loss - baseline))


def _rating(value: str) -> float | None:
    try:
        rating = float(value)
    except ValueError:
        return None
    return 1.0 - rating if 0 <= rating <= 1 else None
