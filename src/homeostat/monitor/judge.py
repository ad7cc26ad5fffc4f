"""Has a judge come to score otherwise? What people say of the same replies tells it from a system that got worse.

A judge is a rule or a model that rates replies. When its mean rating moves, the replies may have changed, or the judge.
So its ratings are compared among replies that people found right, and among those that they found wrong: a system that
errs more often brings other proportions of the two, and no other ratings within either. As conformal p-values of each
rating among those before it with the same verdict, they are uniform while the judge stays as it is, whatever the
verdicts are (label-conditional conformal prediction: Vovk et al. 2005, chapter 4; the second e-process on a judge
beside people: Li 2026, 2606.15474). A Shiryaev-Roberts e-detector sums the evidence (2203.03532).

What it cannot tell: a judge that stays as it is, and meets replies of another kind within a verdict. There fixed
anchors that it scores again decide (`monitor.anchors`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.detectors.shiryaev_roberts import BETS, KAP, Alarm, ShiryaevRoberts, log_bets
from homeostat.monitor.reference import Histogram

Floats = NDArray[np.float64]

GOOD, BAD, ALL = "right", "wrong", ""
"""What people said of a reply, and all of them together."""
EVERY = 20_000.0
"""Pairs to a false alarm, on average at least: labels are few, and an alarm that is false costs a look at the judge."""
HALF = 0.5
"""Worth of a reply from which on people found it right."""
RECENT = 50
"""Newest ratings of each verdict that are kept, to say by how much a judge has moved."""
_EDGES = np.linspace(0.0, 1.0, 65)[1:]
SPREADS = (-0.4, 0.8)
"""Bets that ratings have moved towards the middle of what is usual, or away from it: a judge with another scale."""
_BETS = BETS + len(KAP) + len(SPREADS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A judge that scores otherwise than it did."""

    alarm: Alarm
    verdict: str
    """Among which replies it is plainest: `GOOD`, `BAD`, or `ALL`."""
    before: float
    """Mean rating of the replies of that verdict up to the change."""
    after: float
    """The same since."""


class JudgeDetector:
    """One judge's ratings beside what people said of the same replies."""

    def __init__(self, every: float = EVERY, seed: int = 0) -> None:
        """`every`: pairs to a false alarm, on average at least; `seed` breaks ties."""
        self.every, self._seed, self.pairs, self._begun = every, seed, 0, 0
        self._known = {verdict: Histogram(_EDGES) for verdict in (GOOD, BAD)}
        self._evidence = {name: ShiryaevRoberts(_BETS, math.inf) for name in (ALL, GOOD, BAD)}
        self._recent: dict[str, list[tuple[int, float]]] = {GOOD: [], BAD: []}
        self._sums = {verdict: [0.0, 0.0] for verdict in (GOOD, BAD)}

    @property
    def level(self) -> float:
        """Natural logarithm of the statistic now; minus infinity before the first pair and right after an alarm."""
        levels = [evidence.level for evidence in self._evidence.values()]
        return float(np.logaddexp.reduce(levels)) - math.log(len(levels))

    @property
    def since(self) -> int:
        """Pairs since the start or the last alarm."""
        return self.pairs - self._begun

    def update(self, rating: float, worth: float, time: float) -> Moved | None:
        """Take a rating in [0, 1], what the reply was worth to people in [0, 1], and when it was rated.

        After an alarm the ratings from then on are what later ones are compared with.
        """
        verdict = GOOD if worth >= HALF else BAD
        (p,) = self._known[verdict].rank(np.array([rating]), self._tie())
        logs = _bets(p)
        for name in (ALL, verdict):
            evidence = self._evidence[name]
            evidence.rows = self.pairs
            evidence.scan(logs[None], np.array([time]))
        self._recent[verdict] = [*self._recent[verdict], (self.pairs, rating)][-RECENT:]
        self._sums[verdict] = [self._sums[verdict][0] + 1.0, self._sums[verdict][1] + rating]
        self.pairs += 1
        return self._alarm()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "every": self.every,
            "seed": self._seed,
            "pairs": self.pairs,
            "begun": self._begun,
            "known": {verdict: known.counts.tolist() for verdict, known in self._known.items()},
            "evidence": {name: evidence.state() for name, evidence in self._evidence.items()},
            "recent": self._recent,
            "sums": self._sums,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> JudgeDetector:
        """One that goes on where another stood."""
        made = cls(state["every"], state["seed"])
        made.pairs, made._begun = int(state["pairs"]), int(state["begun"])
        for verdict, counts in state["known"].items():
            made._known[verdict].counts = np.array(counts, dtype=np.int64)
        for name, kept in state["evidence"].items():
            made._evidence[name].load(kept)
        made._recent = {verdict: [(int(k), float(v)) for k, v in rows] for verdict, rows in state["recent"].items()}
        made._sums = {verdict: list(sums) for verdict, sums in state["sums"].items()}
        return made

    def _alarm(self) -> Moved | None:
        level = self.level
        if level < math.log(self.every):
            return None
        verdict = max(self._evidence, key=lambda name: self._evidence[name].level)
        alarms = {name: evidence.begin_anew(level) for name, evidence in self._evidence.items()}
        found = self._moved(alarms[verdict], verdict)
        self._known = {name: Histogram(_EDGES) for name in self._known}
        self._recent = {name: [] for name in self._recent}
        self._sums = {name: [0.0, 0.0] for name in self._sums}
        self._begun = self.pairs
        return found

    def _moved(self, alarm: Alarm, verdict: str) -> Moved:
        """By how much, among the replies of a verdict; of both, by the one with more of them since the change."""
        since = {name: [v for k, v in rows if k >= alarm.since_row] for name, rows in self._recent.items()}
        told = verdict or max(since, key=lambda name: len(since[name]))
        n, total = self._sums[told]
        after = since[told]
        before = (total - sum(after)) / (n - len(after)) if n > len(after) else math.nan
        return Moved(alarm=alarm, verdict=verdict, before=before, after=float(np.mean(after)) if after else math.nan)

    def _tie(self) -> Floats:
        """Uniform on (0, 1], the same for the same pair."""
        bits = np.random.PCG64([self._seed, 3])
        bits.advance(self.pairs)
        return 1.0 - np.random.Generator(bits).random(1)


def _bets(p: float) -> Floats:
    """Logarithms of bets on higher and on lower ratings, those of the traffic and their tails the other way round, and
    on their spread. Each is the logarithm of a density on [0, 1].
    """
    low, kap = max(1.0 - p, 1e-12), np.array(KAP)
    spread = np.log1p(np.array(SPREADS) * (12.0 * (p - 0.5) ** 2 - 1.0))
    return np.concatenate([log_bets(np.array([[p]]))[0], np.log(kap) + (kap - 1.0) * math.log(low), spread])
