"""Whether a judge, or a reward, says more of a candidate than people do: what it likes need not be what they like.

Who is trained on what a judge says, or chosen by it, learns what that judge likes (Gao et al. 2022, 2210.10760), its
weaknesses with it, of which a liking for length is the best known (Singhal et al. 2023, 2310.03716). Two things tell:

- **People.** On requests of which both spoke, less than half of the judge's gain arrives with people. Half, because a
  judge's scale need not be people's. Where people's gain is shown, nothing is held against the judge.
- **Length.** Less than half of the judge's gain is left at equal length: its difference is regressed on that of the
  lengths, and told where the two replies are as long as each other (length-controlled win rates, Dubois et al. 2024,
  2404.04475; here by least squares, on the hyperbolic tangent of half the logarithm of the ratio of lengths). That
  needs no people; a gain that people confirm clears it, for longer replies may well be better ones.

Each is tested at half of alpha, so of a candidate whose gain arrives with people as it does at equal length neither is
said more often than alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from homeostat.evaluate.score import Floats
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.types.report import Outcome, Score, Verdict

ARRIVES = 0.5
"""Part of the judge's gain that has to arrive with people, and to be left at equal length."""
FEWEST = 20
"""Requests below which nothing is said."""
_EVEN = 1e-4
"""Variance of the lengths' difference below which nothing can be told at equal length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A request that both versions answered, candidate less champion."""

    judge: float
    """Difference of the judge's ratings, in [-1, 1]."""
    people: float | None = None
    """Difference of what the replies are worth to people, in [-1, 1]; None where nobody said."""
    length: float = 0.0
    """How much longer the candidate's reply is: `longer`."""
    cluster: str = ""
    """The same of rows of one user, or one episode; empty for a row by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrated:
    """What a judge says of a candidate beside what people say of it. Intervals are at 1 - 2 alpha, as the gate's."""

    judge: str
    rating: Score
    """The judge's gain, over all requests that it rated both replies to."""
    people: Score | None
    """People's gain, over those of which they spoke; None where too few are known."""
    even: Score | None
    """The judge's gain at equal length; None where all replies are as long as the others."""
    p_people: float
    """p-value of "less than half of the judge's gain arrives with people"; 1 where it was not asked."""
    p_even: float
    """p-value of "less than half of it is left at equal length"."""
    by_people: bool
    """Whether the judge's gain is shown, people's is not, and the first of these is."""
    by_length: bool
    """The same of the second."""

    @property
    def shown(self) -> bool:
        """Whether the judge says more of the candidate than is so, or than can be believed of it."""
        return self.by_people or self.by_length

    @property
    def because(self) -> str:
        """`judge:large says +21.0 points (18.2 to 23.8, n=400), people -1.2 (-6.0 to +3.5, n=60): …`."""
        said = f"{self.judge} says {_gain(self.rating, ' points')}"
        beside = f", people {_gain(self.people)}" if self.people else ", people too little"
        even = f", at equal length {_gain(self.even)}" if self.even else ""
        if self.by_people:
            return f"{said}{beside}{even}: it overrates the candidate (p = {self.p_people:.2g})"
        if self.by_length:
            return f"{said}{even}{beside}: what it likes is the length of the replies (p = {self.p_even:.2g})"
        return f"{said}{beside}{even}"


class Times(NamedTuple):
    """How often what was seen had doubled from `FEWEST` on, and how often it was asked what it says."""

    told: int = 0
    """Requests that people spoke of."""
    rated: int = 0
    asked_people: int = 0
    asked_length: int = 0


def longer(mine: str, theirs: str) -> float:
    """How much longer the first text is, in (-1, 1): tanh of half the logarithm of the ratio of their letters."""
    return (len(mine) - len(theirs)) / (len(mine) + len(theirs) + 1)


def looked(
    judge: str, rows: Sequence[Compared], alpha: float, before: Overrated | None, then: Times
) -> tuple[Overrated | None, Times]:
    """The same for who looks again as rows are added at the end; and how often what was seen had doubled by then.

    What people say is asked anew only where the requests that they spoke of have doubled, and what is left at equal
    length where those that were rated have: the k-th time at the k (k + 1)-th part of its level, so that over all times
    neither is said of a judge that is right more often than if one had looked once.

    Args:
        judge: its name.
        rows: all so far.
        alpha: level over all looks.
        before: what was found last.
        then: how often each was asked by then, and how much had been seen.
    """
    told, every = (_doublings(n) for n in (sum(row.people is not None for row in rows), len(rows)))
    anew = (told > then.told, every > then.rated)
    if not any(anew):
        return before, then
    asked = (then.asked_people + anew[0], then.asked_length + anew[1])
    found = overrated(judge, rows, alpha, parts=(max(1, asked[0] * (asked[0] + 1)), max(1, asked[1] * (asked[1] + 1))))
    if before is not None and found is not None and not anew[0]:
        found = replace(found, people=before.people, p_people=before.p_people, by_people=before.by_people)
    if before is not None and found is not None and not anew[1]:
        kept = before.by_length and not (found.people is not None and found.people.low > 0.0)
        found = replace(found, rating=before.rating, even=before.even, p_even=before.p_even, by_length=kept)
    return found, Times(told, every, *asked)


def _doublings(n: int) -> int:
    """How often `FEWEST` requests have doubled, from 1; 0 while there are fewer."""
    return (n // FEWEST).bit_length()


def overrated(
    judge: str, rows: Sequence[Compared], alpha: float, *, parts: tuple[int, int] = (1, 1)
) -> Overrated | None:
    """What a judge says of a candidate beside people; None of fewer than `FEWEST` requests that it rated.

    Args:
        judge: its name.
        rows: requests of which it rated both replies; which of them people spoke of must not depend on the replies.
        alpha: level of what is said against the judge.
        parts: the part of that level, one over these, for what people say and for what is left at equal length.

    Raises:
        ValueError: a level that is not between 0 and 1.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"{alpha} is no level")
    if len(rows) < FEWEST:
        return None
    told = [row for row in rows if row.people is not None]
    rating = _column(rows, "judge")
    people = _told(told, alpha) if len(told) >= FEWEST else None
    even = _at_equal_length(rating, _column(rows, "length"))
    every, (level, level_even) = _clusters(rows), (alpha / (2 * one) for one in parts)
    rises = clustered.p_above(rating, 0.0, every) <= alpha
    confirmed = people is not None and people.low > 0.0
    p_people = _short(_column(told, "people"), _column(told, "judge"), told) if people else 1.0
    p_even = _short(even, rating, rows) if even is not None else 1.0
    return Overrated(
        judge=judge,
        rating=clustered.paired(rating, 0.0 * rating, every, 1.0 - 2.0 * alpha),
        people=people,
        even=clustered.mean(even, every, 1.0 - 2.0 * alpha) if even is not None else None,
        p_people=p_people,
        p_even=p_even,
        by_people=rises and not confirmed and p_people <= level,
        by_length=rises and not confirmed and p_even <= level_even,
    )


def heeded(verdict: Verdict, found: Sequence[Overrated], *, alone: bool) -> Verdict:
    """The verdict with what is to be said against judges; where what it found rests on them alone, PASS is UNSURE."""
    shown = [one for one in found if one.shown]
    if not shown:
        return verdict
    said = "; ".join(one.because for one in shown)
    if not alone or verdict.outcome is not Outcome.PASS:
        return replace(verdict, because=f"{verdict.because}; mind that {said}")
    asked = "people have to say more of both versions' replies: `homeostat label`, `homeostat prefer`"
    because = f"undecided: {verdict.because}; but that is a judge's word alone, and {said}; {asked}"
    return replace(verdict, outcome=Outcome.UNSURE, because=because)


def _told(rows: Sequence[Compared], alpha: float) -> Score:
    values = _column(rows, "people")
    return clustered.paired(values, 0.0 * values, _clusters(rows), 1.0 - 2.0 * alpha)


def _short(gain: Floats, rating: Floats, rows: Sequence[Compared]) -> float:
    """p-value of "the mean of the gain is less than half that of the ratings"."""
    return clustered.p_above(ARRIVES * rating - gain, 0.0, _clusters(rows), doubt=False)


def _at_equal_length(rating: Floats, length: Floats) -> Floats | None:
    """float64[rows] whose mean is the line's height where both replies are as long, and whose spread is its error's
    (the infinitesimal jackknife); None where no line can be drawn.
    """
    off = length - length.mean()
    if (scatter := float(np.mean(off**2))) < _EVEN:
        return None
    slope = float(np.mean(off * rating)) / scatter
    left = rating - rating.mean() - slope * off
    return np.asarray(rating.mean() - slope * length.mean() + left * (1.0 - length.mean() * off / scatter), np.float64)


def _column(rows: Sequence[Compared], name: str) -> Floats:
    return np.array([getattr(row, name) for row in rows], np.float64)


def _clusters(rows: Sequence[Compared]) -> Ints:
    return clusters_of([row.cluster for row in rows])


def _gain(score: Score, unit: str = "") -> str:
    low, high = (f"{100 * end:+.1f}" for end in (score.low, score.high))
    return f"{100 * score.mean:+.1f}{unit} ({low} to {high}, n={score.n:,})"
