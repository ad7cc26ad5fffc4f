"""The e-detector on losses of labeled interactions: more replies are wrong than at the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics.text import chrf_row
from homeostat.monitor.detectors.shiryaev_roberts import Alarm, ShiryaevRoberts
from homeostat.stats.intervals import mean_interval
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]

STAKES = (0.05, 0.1, 0.2, 0.4, 0.8)
# Labeled rows whose mean loss is the baseline, where nobody gives one.
WARM_UP = 100


def loss(interaction: Interaction, feedback: Feedback) -> float | None:
    """How wrong a reply was, in [0, 1], or None if the feedback does not say.

    A label is right or wrong, a correction as wrong as its chrF distance from the reply, a rating 1 minus its value.
    """
    if feedback.kind is FeedbackKind.LABEL:
        return float(interaction.reply.strip() != feedback.value.strip())
    if feedback.kind is FeedbackKind.CORRECTION:
        same = interaction.reply.strip() == feedback.value.strip()
        return 0.0 if same else 1.0 - chrf_row(interaction.reply, feedback.value) / 100
    if feedback.kind is FeedbackKind.RATING:
        return _rating(feedback.value)
    return None


class LossDetector:
    """Bets that the mean loss is above `baseline`: f = 1 + lambda (loss - baseline), lambda in STAKES / baseline.

    While the mean loss, given all before, is at most the baseline, alarms come on average no sooner than every
    `threshold` labeled rows (Shin, Ramdas and Rinaldo 2022, 2203.03532; Podkopaev and Ramdas 2021, 2110.06177). No
    exchangeability is asked for: losses may depend on each other. A baseline that is not given is the upper end of the
    95 % interval of the mean of the first `WARM_UP` rows, and so is exceeded by the truth in one start of forty.
    """

    def __init__(self, threshold: float, baseline: float | None = None) -> None:
        """`baseline` is an upper bound of the mean loss at the time of release, in [0, 1]."""
        self.baseline = None if baseline is None else _safe(baseline)
        self._first: list[float] = []
        self._evidence = ShiryaevRoberts(len(STAKES), threshold)

    @property
    def rows(self) -> int:
        """Labeled rows bet on since the start."""
        return self._evidence.rows

    def update(self, loss: float, time: float) -> Alarm | None:
        """Take the loss, in [0, 1], of an interaction of this time."""
        if self.baseline is None:
            self._learn(loss)
            return None
        logs = np.log1p(np.array(STAKES) / self.baseline * (loss - self.baseline))
        return self._evidence.scan(logs[None], np.array([time]))[1]

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {"baseline": self.baseline, "first": self._first, "evidence": self._evidence.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        self.baseline, self._first = state["baseline"], list(state["first"])
        self._evidence.load(state["evidence"])

    def _learn(self, loss: float) -> None:
        self._first.append(loss)
        if len(self._first) == WARM_UP:
            self.baseline, self._first = _safe(mean_interval(self._first).high), []


def _safe(baseline: float) -> float:
    # A baseline of zero would be broken by a single wrong label, one of one could never be.
    return min(max(baseline, 0.01), 0.99)


def _rating(value: str) -> float | None:
    try:
        rating = float(value)
    except ValueError:
        return None
    return 1.0 - rating if 0 <= rating <= 1 else None
