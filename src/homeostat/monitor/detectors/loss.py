"""The e-detector on losses of labeled interactions: more replies are wrong than before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics.text import chrf_row
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
EDGES = np.append(np.linspace(0.0, 1.0, 65)[1:], 1.5)
_TAIL, _SHARE = (grid.ravel() for grid in np.meshgrid(TAILS, SHARES))


def loss(interaction: Interaction, feedback: Feedback, labels: Collection[str] = ()) -> float | None:
    """How wrong a reply was, in [0, 1], or None if the feedback does not say.

    A label is right or wrong, a correction as wrong as its chrF distance from the reply, a rating 1 minus its value.
    A label that is not among `labels`, those the version knows, is UNKNOWN, where there are any.
    """
    if feedback.kind is FeedbackKind.LABEL:
        if labels and feedback.value.strip() not in labels:
            return UNKNOWN
        return float(interaction.reply.strip() != feedback.value.strip())
    if feedback.kind is FeedbackKind.CORRECTION:
        same = interaction.reply.strip() == feedback.value.strip()
        return 0.0 if same else 1.0 - chrf_row(interaction.reply, feedback.value) / 100
    if feedback.kind is FeedbackKind.RATING:
        return _rating(feedback.value)
    return None


class LossDetector:
    """More replies are wrong than before, or more of them could not be right: the label is not one the version knows.

    Without a baseline it bets on conformal p-values of the losses, as the traffic's detector does on strangeness: the
    reference is every labeled row so far, and while losses are exchangeable, alarms come on average no sooner than
    every `threshold` labeled rows, whatever their rate. A bet (tail, share) expects that of the p-values above `tail`
    a `share` falls below it now: that such a share of the requests is of a new kind and answered wrong. Beside these
    are bets that more than TOLERATED of the rows have an unknown label: no reference takes that in as it grows.

    With a baseline it bets that the mean loss is above it: f = 1 + lambda (loss - baseline), lambda in STAKES /
    baseline. No exchangeability is asked for then: losses may depend on each other, so long as the mean loss, given all
    before, is at most the baseline (Shin, Ramdas and Rinaldo 2022, 2203.03532; Podkopaev and Ramdas 2021, 2110.06177).
    """

    def __init__(self, threshold: float, baseline: float | None = None, seed: int = 0) -> None:
        """`baseline` is an upper bound of the mean loss at the time of release, in [0, 1]; `seed` breaks ties."""
        self.baseline = None if baseline is None else min(max(baseline, 0.01), 0.99)
        # A baseline of zero would be broken by a single wrong label, one of one could never be.
        self._reference, self._seed = Histogram(EDGES), seed
        ranks = len(TAILS) * len(SHARES) if baseline is None else 0
        self._evidence = ShiryaevRoberts(ranks + len(STAKES), threshold)

    @property
    def rows(self) -> int:
        """Labeled rows bet on since the start."""
        return self._evidence.rows

    def update(self, loss: float, time: float) -> Alarm | None:
        """Take the loss, in [0, 1] or UNKNOWN, of an interaction of this time."""
        if self.baseline is None:
            logs = np.append(self._against_ranks(loss), _against(TOLERATED, float(loss == UNKNOWN)))
        else:
            logs = _against(self.baseline, min(loss, 1.0))
        return self._evidence.scan(logs[None], np.array([time]))[1]

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        counts = self._reference.counts.tolist()
        return {"baseline": self.baseline, "reference": counts, "evidence": self._evidence.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.baseline = state["baseline"]
        self._reference.counts = np.array(state["reference"], dtype=np.int64)
        self._evidence.load(state["evidence"])

    def _against_ranks(self, loss: float) -> Floats:
        bits = np.random.PCG64([self._seed, 1])  # other ties than those of the traffic's detector
        bits.advance(self._evidence.rows)  # the same tie for the same row, whenever it comes
        tie = 1.0 - np.random.Generator(bits).random(1)
        (p,) = self._reference.rank(np.array([loss]), tie)
        logs: Floats = np.where(p <= _TAIL, np.log((_TAIL + _SHARE * (1 - _TAIL)) / _TAIL), np.log1p(-_SHARE))
        return logs


def _against(baseline: float, loss: float) -> Floats:
    return np.log1p(np.array(STAKES) / baseline * (loss - baseline))


def _rating(value: str) -> float | None:
    try:
        rating = float(value)
    except ValueError:
        return None
    return 1.0 - rating if 0 <= rating <= 1 else None
