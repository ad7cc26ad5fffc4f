"""What a judge's ratings of replies are worth: how far they agree with people, and a mean that people put right.

A judge, a rule or a model, rates many replies; people say something of few. The mean of the ratings alone is as wrong
as the judge. Prediction-powered inference (Angelopoulos et al. 2023, 2301.09633; 2311.01453) takes what people said for
what is so, and from the ratings only what makes it narrower; that chance decides which replies people speak of has to
hold, as for any such mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.metrics.agreement import correlation_of, kappa_of, pair_sums, verdict_sums
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, apart, clusters_of
from homeostat.stats.predicted import powered_mean
from homeostat.stats.resampled import Floats, resampled
from homeostat.types.report import Score

HALF = 0.5
"""Rating, and what a reply is worth to people, from which on it counts as right."""
FEWEST = 10
"""Replies of which both said something, below which no agreement is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What was said of one reply."""

    judge: float
    """In [0, 1]."""
    people: float | None = None
    """What it was worth to people, in [0, 1]; None where nobody said."""
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A judge's ratings of a version's replies."""

    judge: str
    ratings: Score
    """Their mean, which is as wrong as the judge."""
    people: Score | None
    """What the replies of which people spoke were worth to them."""
    corrected: Score | None
    """What all replies are worth, by both; None where nobody spoke. `n` counts what people said."""
    heeded: float
    """How far the ratings were heeded for that, from 0 to 1."""
    kappa: Score | None
    """Cohen's, of right and wrong by both."""
    correlation: Score | None


def rated(judge: str, rows: Sequence[Rating]) -> Rated:
    """What a judge's ratings are worth.

    Raises:
        ValueError: no ratings.
    """
    said = np.array([row.judge for row in rows], np.float64)
    clusters = clusters_of([row.cluster for row in rows])
    at = np.flatnonzero([row.people is not None for row in rows])
    worth = np.array([row.people for row in rows if row.people is not None], np.float64)
    people = clustered.mean(worth, clusters[at]) if len(at) else None
    corrected, heeded = _corrected(said, worth, at, clusters) if len(at) else (None, 0.0)
    enough = len(at) >= FEWEST
    verdicts = verdict_sums((said[at] >= HALF).tolist(), (worth >= HALF).tolist())
    pairs = pair_sums(said[at].tolist(), worth.tolist())
    return Rated(
        judge=judge,
        ratings=clustered.mean(said, clusters),
        people=people,
        corrected=corrected,
        heeded=heeded,
        kappa=resampled(verdicts, kappa_of, clusters[at])[0].score() if enough else None,
        correlation=resampled(pairs, correlation_of, clusters[at])[0].score() if enough else None,
    )


def _corrected(said: Floats, worth: Floats, at: Ints, clusters: Ints) -> tuple[Score, float]:
    """The mean by both; of rows that belong together the interval is the bootstrap's over clusters."""
    rest = np.setdiff1d(np.arange(len(said)), at)
    found = powered_mean(worth, said[at], said[rest])
    if apart(clusters) or not found.heeded:
        plain = clustered.mean(worth, clusters[at])
        return (found.score if apart(clusters) else plain), found.heeded
    sums = np.zeros((len(said), 4))
    sums[at, 0], sums[at, 1] = 1.0, worth - found.heeded * said[at]
    sums[rest, 2], sums[rest, 3] = 1.0, found.heeded * said[rest]

    def figure(of: Floats) -> Floats:
        """What people add to the judge, and the judge."""
        people, judge = (of[..., k + 1] / np.maximum(of[..., k], 1.0) for k in (0, 2))
        return np.asarray((people + judge)[..., None], np.float64)

    score = resampled(sums, figure, clusters)[0].score()
    return Score(mean=score.mean, low=score.low, high=score.high, n=len(at)), found.heeded
