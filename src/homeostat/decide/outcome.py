"""What earlier turns gained beside what was expected of them, and by how much expectations are to be taken down or up.

The gain that a decision rests on is a cheap head's, or that of a short training, and the model that is trained is
another one; it is measured on new labels, and users meet old ones too; and a candidate that the gate refuses gains
nothing. How much of an expected gain comes true is learned from the turns that there were, for each way by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.types.report import Z95, Score

BELIEVED, DOUBT = 1.0, 0.5
"""What is thought of the ratio before any turn has ended, and how unsure that is (a standard deviation)."""
APART = 0.5
"""How far a single turn's ratio lies from the common one, for reasons of its own (a standard deviation)."""
MOST = 2.0
"""A ratio above which nothing is taken up: a few lucky turns are no reason to train for less than it costs."""
NEWEST = 20
"""Turns that count, the newest ones: models, tasks and gates change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one turn that trained."""

    turn: str
    expected: Score
    """Rise of the metric that was expected, before any earlier turn was looked at."""
    gained: Score
    """Rise that users got: candidate minus champion on the same test rows, and 0 where nothing was released."""
    way: str = ""
    """The way that was probed and taken; empty where the gain was a cheap head's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What comes true of an expected gain."""

    mean: float = BELIEVED
    error: float = 0.0
    """Standard error; 0 where no turn has ended, for then nothing is changed."""
    n: int = 0
    """Turns that it was learned from."""


def ratio(outcomes: Sequence[Outcome], way: str = "") -> Ratio:
    """Gained over expected, in the turns that went one way, as a mean of what was believed before and of every turn,
    each weighed by how much it can say: little where the expected gain was small beside its own error, or the test rows
    were few.

    A Bayesian regression through zero with known variances: a turn's gain is normal around ratio × expected, with the
    errors of both measurements and APART × expected on top.
    """
    known = [one for one in outcomes if one.way == way and one.expected.n and one.expected.mean > 0.0][-NEWEST:]
    if not known:
        return Ratio()
    weight, total = 1.0 / DOUBT**2, BELIEVED / DOUBT**2
    for one in known:
        mean = one.expected.mean
        variance = one.gained.error**2 + one.expected.error**2 + (APART * mean) ** 2
        weight += mean**2 / variance
        total += mean * one.gained.mean / variance
    return Ratio(mean=min(MOST, max(0.0, total / weight)), error=math.sqrt(1.0 / weight), n=len(known))


def come_true(gain: Score, known: Ratio) -> Score:
    """An expected gain as it may come true: its mean times the ratio, with the errors of both in its interval."""
    if not known.n or not gain.n:
        return gain
    mean = known.mean * gain.mean
    around = Z95 * math.hypot(known.mean * gain.error, known.error * gain.mean)
    return Score(mean=mean, low=max(-1.0, mean - around), high=min(1.0, mean + around), n=gain.n)
