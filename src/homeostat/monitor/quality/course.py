"""Quality window by window, told three ways: by labels, by labels and confidence together, by confidence alone.

Confidence is calibrated on the labeled replies before a window and tells the window's quality without a label from it.
The labels that a window does have are held against it: where they contradict it, confidence no longer means what it
did (the same requests have other right answers, or requests are new in kind), nothing is estimated, and calibration
begins again with the labels from there on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.metrics.replies import agreement
from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.unlabeled import by_calibration
from homeostat.stats.intervals import mean_interval
from homeostat.stats.predicted import powered_mean
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
GAP, POWER = 0.10, 0.8
"""A window should have labels enough to show a gap so wide between confidence and truth this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request: how sure its reply was and, where somebody said so, how right it was."""

    time: float
    confidence: float
    right: float | None = None
    """In [0, 1]."""


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


def right(kind: Kind, reply: str, said: str) -> float:
    """How right a reply is: 1 or 0 for a label, else `metrics.replies.agreement`."""
    return float(reply.strip() == said.strip()) if kind is Kind.LABEL else agreement(reply, said)


def course(rows: Sequence[Told], size: int = 0) -> list[Window]:
    """Windows of `size` requests, oldest first, of rows in the order of their times; the last may have fewer.

    Without a size there are at most `POINTS` of them, of `LEAST_ROWS` requests or more.
    """
    size = size or max(LEAST_ROWS, math.ceil(len(rows) / POINTS))
    known, found = _Labels(), list[Window]()
    for start in range(0, len(rows), size):
        found.append(_window(rows[start : start + size], known))
    return found


@dataclass(slots=True)
class _Labels:
    """Labeled replies that confidence is calibrated on."""

    confidence: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)

    def forget(self) -> None:
        self.confidence, self.right = [], []

    def add(self, confidence: Floats, right: Floats) -> None:
        self.confidence += confidence.tolist()
        self.right += right.tolist()


def _window(rows: Sequence[Told], known: _Labels) -> Window:
    sure = np.array([row.confidence for row in rows])
    labeled = np.array([row.right is not None for row in rows])
    said = np.array([row.right for row in rows if row.right is not None])
    calibration = Calibration.fit(known.confidence, known.right)
    enough = calibration.labels >= LEAST_LABELS
    because = "" if enough else f"{calibration.labels} of {LEAST_LABELS} labels to calibrate confidence on"
    if enough and (against := contradiction(calibration, sure[labeled], said)):
        because = against
        known.forget()
    powered = powered_mean(said, calibration(sure[labeled]), calibration(sure[~labeled])) if len(said) else None
    known.add(sure[labeled], said)
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
    )


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
