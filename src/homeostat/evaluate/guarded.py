"""Guard metrics: what a candidate must not lose though the mean over all rows would not show it.

- `macro F1` of label tasks: every label counts alike, so a rare one that is told wrong from now on, or given where it
  is wrong, shows. Over the labels that rows of the guarded groups should have been replied with.
- `calibration (Brier score)` of label tasks: how far confidence is from what came of it. A proper score, whose mean
  over rows has no bias; an expected calibration error has one, the larger the fewer rows, and is told by
  `homeostat eval --detail` alone.
- `form` of tasks of texts: replies that are a number, tags or JSON where the right one is; and that say anything.

Each is one number a row for each version, whose mean is the figure, so that two versions are compared row by row as by
every other claim of the gate: by the exact test where rows are right or wrong, else by Student's t, over users or
episodes where rows carry them (`stats.clustered`). Macro F1 is no mean; its rows are what each adds to first order (the
infinitesimal jackknife; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6), and two more
rows, one won and one lost, stand for the rare ones that few rows have not shown.

A proof is demanded where rows suffice, counted as for groups by a discordance that is planned beforehand and not seen
(`evaluate.groups`). Rows of one user, or of one episode, count once; those of a macro F1 as many as would be as sure if
all labels were equally frequent. With fewer rows a loss that is shown still counts. Rows of the target are left out: a
gain there must not cover a loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.groups import rows_needed
from homeostat.evaluate.score import Floats, PairedRow
from homeostat.evaluate.sentence import Finding
from homeostat.metrics.calibration import brier
from homeostat.metrics.classification import label_sums, macro_f1_rows
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.types.report import Score

MACRO_F1, CALIBRATION, FORM = "macro F1", "calibration (Brier score)", "form"
FEWEST = 12
"""Rows below which nothing is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One guard metric on the guarded rows."""

    name: str
    differences: Floats
    """float64[rows]: what each row adds, candidate less champion; positive is better."""
    clusters: Ints
    worth: float
    """Rows that these are worth where the power table is asked."""
    doubt: bool = False
    """Whether two rows that nobody saw are added."""

    def score(self, level: float) -> Score:
        """The difference with its two-sided interval."""
        return clustered.paired(self.differences, 0.0 * self.differences, self.clusters, level, doubt=self.doubt)

    def finding(self, settings: Evaluate) -> Finding:
        """What the rows say about the claim that no more than the margin was lost."""
        margin = max(settings.margin, settings.small_margin)
        required = self.worth >= rows_needed(margin, settings)
        p = clustered.p_above(self.differences, -margin, self.clusters, doubt=self.doubt) if required else 1.0
        return Finding(
            name=self.name,
            score=self.score(1.0 - 2.0 * settings.alpha),
            bound=-margin,
            guard=True,
            required=required,
            variance=float(np.var(self.differences)),
            p=p,
            alpha=settings.alpha,
            metric=True,
        )


def guard_findings(rows: Sequence[PairedRow], settings: Evaluate, target: Collection[str] = ()) -> list[Finding]:
    """What test rows say about every guard metric that they carry."""
    return [measure.finding(settings) for measure in measures(rows, target)]


def measures(rows: Sequence[PairedRow], target: Collection[str] = ()) -> list[Measure]:
    """The guard metrics of the rows that are not the target's, as far as there are rows enough to tell of."""
    guarded = [row for row in rows if row.group not in target]
    labeled, written = [row for row in guarded if row.sure], [row for row in guarded if row.formed]
    return [*_of_labels(labeled), *_of_texts(written)]


def _of_labels(rows: Sequence[PairedRow]) -> Iterator[Measure]:
    if len(rows) < FEWEST:
        return
    clusters, wanted = clusters_of([row.cluster for row in rows]), [row.target for row in rows]
    sizes = np.array(list(Counter(label for label, _ in set(zip(wanted, clusters.tolist(), strict=True))).values()))
    if len(sizes) > 1:
        mine, theirs = (_added([row.said[side] for row in rows], wanted) for side in (0, 1))
        worth = len(sizes) ** 2 / float((1.0 / sizes).sum())
        yield Measure(name=MACRO_F1, differences=mine - theirs, clusters=clusters, worth=worth, doubt=True)
    off = [brier([row.sure[side] for row in rows], [row.said[side] == row.target for row in rows]) for side in (0, 1)]
    yield Measure(name=CALIBRATION, differences=off[1] - off[0], clusters=clusters, worth=_alone(clusters))


def _alone(clusters: Ints) -> float:
    return float(len(np.unique(clusters)))


def _added(said: Sequence[str], wanted: Sequence[str]) -> Floats:
    return macro_f1_rows(label_sums(said, wanted, sorted(set(wanted))))


def _of_texts(rows: Sequence[PairedRow]) -> Iterator[Measure]:
    if len(rows) >= FEWEST:
        kept = np.array([row.formed for row in rows], np.float64)
        clusters = clusters_of([row.cluster for row in rows])
        yield Measure(name=FORM, differences=kept[:, 0] - kept[:, 1], clusters=clusters, worth=_alone(clusters))
