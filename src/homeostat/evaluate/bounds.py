"""Macro figures and the calibration error with intervals that hold where labels, or bins, have few rows.

Alarms go by them. The bootstrap, by which `figures` compares two versions, knows no other rows than those that it draws
again: a label whose three rows are all wrong is wrong in every draw, and a bin that is off by chance is off by more in
most. At 99 % it called three recalls in a hundred worse than they were (`bench/objectives.py`), and of 200 rows a
calibrated model off by two points in nine draws of ten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from homeostat.evaluate.detail import OfClass, of_class
from homeostat.evaluate.figures import Told
from homeostat.metrics.calibration import off_rows, off_rows_across
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints
from homeostat.types.report import Score

NAMES = ("precision", "recall", "f1")
_BOTH = math.sqrt(2.0)
"""An error counts against two labels: the variance of a sum of F1s may be twice that of labels by themselves."""


def macro(rows: Sequence[Told], name: str, clusters: Ints, level: float = 0.95, never: str = "") -> Score:
    """Mean precision, recall or F1 over the labels that are a reply or a target, each with an exact interval; these are
    put together by squaring and adding (MOVER; Zou and Donner 2008, Statistics in Medicine 27:1693). A label of which
    the rows cannot say it, as none has it as target or as reply, may be as good as any.

    Args:
        rows: what was replied, and what would have been right.
        name: one of `NAMES`.
        clusters: int[rows], the rows that belong together.
        level: of the interval.
        never: a reply that is right nowhere, such as where a task abstains: there is no doubt of it.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no rows")
    said, wanted = np.array([row.said for row in rows]), np.array([row.target for row in rows])
    labels = sorted({*said.tolist(), *wanted.tolist()})
    mean, down, up, unknown = 0.0, 0.0, 0.0, 0.0
    for label in labels:
        replied, target = said == label, wanted == label
        found = _of(of_class(replied, target, clusters, level), name)
        mean += found.mean
        if label == never and not target.any():
            continue
        down += (found.mean - found.low) ** 2
        if (target.any() or name == "precision") and (replied.any() or name == "recall"):
            up += (found.high - found.mean) ** 2
        else:
            unknown += found.high - found.mean
    wide, count = _BOTH if name == "f1" else 1.0, len(labels)
    low, high = (mean - wide * math.sqrt(down)) / count, (mean + wide * math.sqrt(up) + unknown) / count
    return Score(mean=mean / count, low=max(low, 0.0), high=min(high, 1.0), n=len(rows))


def _of(found: OfClass, name: str) -> Score:
    """One of the three; where its denominator is zero it counts as 0, and may be anything."""
    told = {"precision": found.precision, "recall": found.recall, "f1": found.f1}[name]
    return told or Score(mean=0.0, low=0.0, high=1.0, n=0)


def calibration_error(rows: Sequence[Told], clusters: Ints, level: float = 0.95) -> Score:
    """The expected calibration error. Of few rows it is too high (see `metrics.calibration`), as is the upper end of
    its interval; the lower end is not: in which direction a bin is off is taken from the other half of the clusters.

    Raises:
        ValueError: no rows.
    """
    sure, right = [row.sure for row in rows], [row.said == row.target for row in rows]
    whole = clustered.mean(off_rows(sure, right), clusters, level)
    across = clustered.mean(off_rows_across(sure, right, clusters % 2 == 1), clusters, level)
    return Score(mean=whole.mean, low=min(max(across.low, 0.0), whole.mean), high=whole.high, n=whole.n)
