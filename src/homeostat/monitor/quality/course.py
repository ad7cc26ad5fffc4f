"""Quality window by window, told by labels, by labels and confidence together, by confidence alone, and by a judge.

Confidence is calibrated on the labeled replies before a window and tells the window's quality without a label from it.
The labels that a window does have are held against it: where they contradict it, confidence no longer means what it
did (the same requests have other right answers, or requests are new in kind), nothing is estimated, and calibration
begins again with the labels from there on. A judge's ratings are put right by what people said of replies that it rated
before; where the judge has changed since, that counts no more, and begins again too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.metrics.replies import agreement
from homeostat.monitor.judge import HALF
from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.judged import by_judge
from homeostat.monitor.quality.unlabeled import by_calibration
from homeostat.stats.intervals import mean_interval
from homeostat.stats.predicted import labels_for, powered_mean
from homeostat.types.report import Score
from homeostat.types.task import Kind

Floats = NDArray[np.float64]

POINTS = 24
"""Windows, at most, unless their size is given."""
LEAST_ROWS = 100
"""Requests of a window, at least, unless its size is given."""
LEAST_LABELS = 50
"""Labels before a window from which on confidence is calibrated by them."""
FEW = 5
"""Labels of a window below which they cannot contradict."""
LEVEL = 0.005
"""Chance that labels seem to contradict a calibration that holds."""
FINE, FROM = 0.03, 20
"""Half an interval that is fine enough, and labels of a window from which on it is said how many more that takes."""
GAP, POWER = 0.10, 0.8
"""A window should have labels enough to show a gap so wide between confidence and truth this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request: how sure its reply was and, where somebody said so, how right it was."""

    time: float
    confidence: float
    right: float | None = None
    """In [0, 1]."""
    judged: float | None = None
    """The rating of a judge, in [0, 1]."""
    regime: int | None = 0
    """How often that judge had changed when it rated; None where it may have been before a change or after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Requests in a row."""

    start: float
    end: float
    requests: int
    labels: int
    measured: Score | None
    """By its labels alone."""
    powered: Score | None
    """By its labels, and the confidence of all its requests; valid as long as it is chance who labels."""
    estimated: Score | None
    """Without its labels."""
    because: str
    """Why nothing is estimated; empty where something is."""
    wanted: int
    """Labels of this window that are missing before they could contradict the estimate."""
    judged: Score | None = None
    """By the ratings of a judge, without the window's labels."""
    unjudged: str = ""
    """Why nothing is told by a judge, where one has rated; empty where something is."""
    fine: tuple[int, int] | None = None
    """Labels of such requests that would tell quality to ± FINE: with the confidence of many more, and alone."""


def right(kind: Kind, reply: str, said: str) -> float:
    """How right a reply is: 1 or 0 for a label, else `metrics.replies.agreement`."""
    return float(reply.strip() == said.strip()) if kind is Kind.LABEL else agreement(reply, said)


def course(rows: Sequence[Told], size: int = 0) -> list[Window]:
    """Windows of `size` requests, oldest first, of rows in the order of their times; the last may have fewer.

    Without a size there are at most `POINTS` of them, of `LEAST_ROWS` requests or more.
    """
    size = size or max(LEAST_ROWS, math.ceil(len(rows) / POINTS))
    known, found = Labels(), list[Window]()
    for start in range(0, len(rows), size):
        found.append(window(rows[start : start + size], known))
    return found


@dataclass(slots=True)
class Labels:
    """Labeled replies that confidence is calibrated on."""

    confidence: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    rated: dict[int, tuple[list[float], list[float]]] = field(default_factory=dict)
    """Regime of a judge -> its ratings of replies that people found right, and of those that they found wrong."""

    @classmethod
    def of(cls, rows: Sequence[Told]) -> Labels:
        """Those of some rows."""
        made, labeled = cls(), [row for row in rows if row.right is not None]
        made.confidence, made.right = [row.confidence for row in labeled], [row.right or 0.0 for row in labeled]
        made.rate(rows)
        return made

    def forget(self) -> None:
        """Confidence means something else from now on."""
        self.confidence, self.right = [], []

    def add(self, confidence: Floats, right: Floats) -> None:
        """Take labeled replies."""
        self.confidence += confidence.tolist()
        self.right += right.tolist()

    def rate(self, rows: Sequence[Told]) -> None:
        """Take ratings of labeled replies."""
        for row in rows:
            if row.judged is not None and row.right is not None and row.regime is not None:
                good, bad = self.rated.setdefault(row.regime, ([], []))
                (good if row.right >= HALF else bad).append(row.judged)


def window(rows: Sequence[Told], known: Labels) -> Window:
    """What is told of rows by labels of others, which are joined by theirs; forgotten where theirs contradict them."""
    sure = np.array([row.confidence for row in rows])
    labeled = np.array([row.right is not None for row in rows])
    said = np.array([row.right for row in rows if row.right is not None])
    calibration = Calibration.fit(known.confidence, known.right)
    enough = calibration.labels >= LEAST_LABELS
    because = "" if enough else f"{calibration.labels} of {LEAST_LABELS} labels to calibrate confidence on"
    if enough and (against := contradiction(calibration, sure[labeled], said)):
        because = against
        known.forget()
    judged = _judged(rows, known)
    powered = powered_mean(said, calibration(sure[labeled]), calibration(sure[~labeled])) if len(said) else None
    fine = None
    if len(said) >= FROM:
        told = calibration(sure[labeled])
        fine = (labels_for(FINE, said, told), labels_for(FINE, said, np.zeros_like(said)))
    known.add(sure[labeled], said)
    known.rate(rows)
    return Window(
        start=rows[0].time,
        end=rows[-1].time,
        requests=len(rows),
        labels=len(said),
        measured=mean_interval(said) if len(said) else None,
        powered=powered.score if powered else None,
        estimated=None if because else by_calibration(calibration, sure),
        because=because,
        wanted=max(0, labels_to_contradict(calibration, sure) - len(said)),
        judged=judged if isinstance(judged, Score) else None,
        unjudged=judged if isinstance(judged, str) else "",
        fine=fine,
    )


def _judged(rows: Sequence[Told], known: Labels) -> Score | str:
    """What a judge says of a window, put right by what people said of replies that it rated before, as it rates now."""
    rated = [(row.judged, row.regime) for row in rows if row.judged is not None]
    if not rated:
        return ""
    regimes = {regime for _, regime in rated}
    (regime, *others) = regimes
    if others or regime is None:
        return "the judge has changed about these requests"
    good, bad = known.rated.get(regime, ([], []))
    told = by_judge([rating for rating, _ in rated], good, bad)
    return f"the judge has changed: {told}" if regime and isinstance(told, str) else told


def contradiction(calibration: Calibration, confidence: Floats, right: Floats) -> str:
    """What labels say against what confidence says of the same replies; empty where they agree, or are too few."""
    if len(right) < FEW:
        return ""
    p = calibration(confidence)
    spread = math.sqrt(max(calibration.variance(confidence), 1e-12))
    if abs(float((right - p).mean())) / spread <= float(stats.norm.isf(LEVEL / 2)):
        return ""
    return f"{len(right)} labels say {right.mean():.0%} where confidence says {p.mean():.0%}: it no longer means that"


def labels_to_contradict(calibration: Calibration, confidence: Floats) -> int:
    """Labels of such replies that would show a gap of `GAP` with the probability `POWER`."""
    p = calibration(confidence)
    z = float(stats.norm.isf(LEVEL / 2) + stats.norm.ppf(POWER))
    return max(FEW, math.ceil(z**2 * calibration.scatter * float((p * (1 - p)).mean()) / GAP**2))
