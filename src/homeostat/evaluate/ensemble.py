"""Several versions beside what is made of them, on the same labeled rows: pure arithmetic, knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics.calibration import expected_calibration_error
from homeostat.metrics.ranking import auroc
from homeostat.stats.intervals import bootstrap, mean_interval, paired
from homeostat.types.report import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How one version, or one way to combine them, did."""

    name: str
    accuracy: Score
    gain: Score
    """Accuracy less the members' mean on the same rows, paired."""
    loss: Score
    """Negative log-probability of the right label, in nats."""
    calibration: float
    """Expected calibration error of the confidence, in 15 bins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All of them, and what their disagreement tells."""

    lines: tuple[Line, ...]
    disagreement_right: Score | None
    """Mean disagreement in nats on rows that the members' mean has right; None where there are none."""
    disagreement_wrong: Score | None
    tells_wrong: Score | None
    """The chance that a row told wrong has more disagreement than one told right, with its bootstrap interval."""


def sheet(each: Floats, names: tuple[str, ...], combined: Mapping[str, Floats], doubt: Floats, target: Ints) -> Sheet:
    """Members and combinations measured.

    Args:
        each: float[members, rows, labels], log-probabilities.
        names: of the members.
        combined: name of a way -> float[rows, labels], log-probabilities; the first one tells right from wrong.
        doubt: float[rows], the members' disagreement.
        target: int[rows], the right label of each row, -1 for one that nobody knows.

    Raises:
        ValueError: no rows.
    """
    right = np.array([_right(logs, target) for logs in each])
    usual = right.mean(axis=0)
    every = {**dict(zip(names, each, strict=True)), **combined}
    first = _right(next(iter(combined.values())), target).astype(bool)
    return Sheet(
        lines=tuple(_line(name, logs, target, usual) for name, logs in every.items()),
        disagreement_right=mean_interval(doubt[first]) if first.any() else None,
        disagreement_wrong=mean_interval(doubt[~first]) if not first.all() else None,
        tells_wrong=telling(doubt, ~first),
    )


def telling(value: Floats, positive: NDArray[np.bool_]) -> Score | None:
    """How well a number tells rows apart (`metrics.ranking.auroc`), with its bootstrap interval; None where there are
    fewer than two rows of a kind.
    """
    if min(positive.sum(), (~positive).sum()) < 2:
        return None

    def of(rows: Floats) -> float:
        kinds = rows[:, 1] > 0
        return auroc(rows[:, 0].tolist(), kinds.tolist()) if 0 < kinds.sum() < len(kinds) else 0.5

    return bootstrap(np.column_stack([value, positive]), of, draws=500)


def _line(name: str, logs: Floats, target: Ints, usual: Floats) -> Line:
    right = _right(logs, target)
    loss = np.where(target >= 0, -logs[np.arange(len(target)), target], -np.log(1e-6))
    return Line(
        name=name,
        accuracy=mean_interval(right),
        gain=paired(right, usual),
        loss=mean_interval(loss),
        calibration=expected_calibration_error(
            np.minimum(np.exp(logs.max(axis=1)), 1.0).tolist(), right.astype(bool).tolist()
        ),
    )


def _right(logs: Floats, target: Ints) -> Floats:
    return np.asarray(logs.argmax(axis=1) == target, dtype=np.float64)
