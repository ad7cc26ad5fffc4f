"""Evidence that may be looked at after every row and is nearly as strong, at a planned number of rows, as one look.

`stats.eprocess` bets the same shares of its wealth for ever, and pays for being right at any number of rows with twice
the rows of a test that is looked at once. Here most of the stake plays for a goal by a deadline: it holds at every row
what a claim to 1/alpha is worth that is paid as soon as the rows reach the goal before the planned number of them (a
one-touch option, for which Browne 1999, Advances in Applied Probability 31:551, has the bets). The rest bets as
`Betting` does, so that rows after the plan count too. Any bet that is chosen before its row is fair (Waudby-Smith and
Ramdas 2020, 2010.09686): the plan and the guessed spread decide how strong the evidence is, never whether it is valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from homeostat.stats.eprocess import GRID
from homeostat.types.report import Score

Floats = NDArray[np.float64]

SHARE = 0.9
"""Part of the stake that plays for the planned number of rows; the rest never stops."""
LAST = 0.05
"""No closer to the deadline than this share of it does the stake rise, so that something is left if it is missed."""
LARGEST = 0.9
"""Largest share of the wealth that the worst row may cost."""
PRIOR = 100
"""Rows that the planned spread weighs beside what is seen."""
_POINTS = 64
_GRID, _ROUNDING = np.array(GRID)[:, None], 1e-12
_NOTHING, _HIGHEST = 1e-200, 1e300
"""Wealth is kept between these: below, numbers lose their digits and the processor its speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is expected before the first row. A wrong guess costs rows, and never validity."""

    rows: int
    """So many are planned; when they are over, the next plan is for twice as many."""
    alpha: float = 0.05
    """Level at which the claim is to be shown."""
    square: float = 0.1
    """Mean square of the differences: for right and wrong the share of rows on which the versions disagree."""

    def __post_init__(self) -> None:
        if self.rows < 1 or not 0 < self.alpha < 1 or not 0 < self.square <= 1:
            raise ValueError(f"no plan: {self}")


class Planned:
    """Wealth of gamblers who bet that the mean difference is above their `bound`, side by side.

    While a bound is not exceeded its wealth is a supermartingale from 1, so it ever reaches 1/alpha with probability at
    most alpha. Rows have to be taken in an order that does not depend on their outcomes, and only ever added at
    the end: the bets depend on the rows before, so that a row which comes late must not be put among earlier ones.
    """

    def __init__(self, bound: ArrayLike, plan: Plan) -> None:
        """One game for each bound.

        Raises:
            ValueError: a bound that is not in (-1, 1).
        """
        self.bound = np.atleast_1d(np.asarray(bound, dtype=np.float64))
        if not np.all(np.abs(self.bound) < 1):
            raise ValueError("a bound is not in (-1, 1)")
        self.plan, self.n = plan, 0
        self._deadline, self._spent = np.full(len(self.bound), float(plan.rows)), np.zeros(len(self.bound))
        self._squares = np.full(len(self.bound), PRIOR * plan.square)
        self._aimed = np.ones(len(self.bound))
        self._open = np.ones((len(GRID), len(self.bound)))
        self.log_value = np.zeros(len(self.bound))
        """Natural logarithm of each wealth, float64[games]."""
        self.best = np.zeros(len(self.bound))
        """The highest that it has been: a claim that was shown once stays shown."""

    @property
    def p(self) -> Floats:
        """p-value of each claim that holds although one looks after every row: one over the highest wealth."""
        return np.exp(-self.best)

    def update(self, differences: ArrayLike, reach: ArrayLike = 1.0, worth: ArrayLike = 1.0) -> None:
        """Take one row: a difference for each game, or one for all of them, in [-reach, reach].

        Args:
            differences: float[games], or one number.
            reach: 1 or more, the same; known before the row. The further it goes, the less may be staked.
            worth: as many planned rows this one is thought to be worth, as its spread is lower; known before it, too.

        Raises:
            ValueError: a difference goes beyond its reach, or a reach is below 1; nothing is taken then.
        """
        d, far = np.asarray(differences, dtype=np.float64), np.asarray(reach, dtype=np.float64)
        if not (np.all(np.abs(d) <= far + _ROUNDING) and np.all(far >= 1.0)):
            raise ValueError(
                "a difference is not in [-1, 1]" if np.all(far == 1.0) else "a difference beyond its reach"
            )
        much = np.asarray(worth, dtype=np.float64)
        self._deadline = np.where(self._spent >= self._deadline, 2.0 * self._deadline, self._deadline)
        # The worst row is worth -reach - bound; stakes that it can cost no more than all wealth.
        x, worst = d - self.bound, far + self.bound
        self._aimed = np.clip(self._aimed * (1.0 + self._stake(worst, much) * x), _NOTHING, _HIGHEST)
        self._open = np.clip(self._open * (1.0 + _GRID / np.maximum(1.0, worst) * x), _NOTHING, _HIGHEST)
        self._squares += much * x * x
        self._spent += much
        self.n += 1
        self.log_value = np.log(SHARE * self._aimed + (1 - SHARE) * self._open.mean(axis=0))
        self.best = np.maximum(self.best, self.log_value)

    def extend(self, differences: ArrayLike) -> None:
        """Take rows in their order, float64[rows] or float64[rows, games]."""
        for row in np.asarray(differences, dtype=np.float64):
            self.update(row)

    def _stake(self, worst: Floats, much: Floats) -> Floats:
        """The share of its wealth that the aiming part bets: what the option gains with each unit of the sum."""
        goal = np.maximum((1 / self.plan.alpha - (1 - SHARE) * self._open.mean(axis=0)) / SHARE, 1.0)
        # The option is worth twice the chance that the sum, at its planned spread, ends beyond the goal.
        chance = np.clip(self._aimed / goal, 1e-300, 1 - 1e-9) / 2
        distance = -ndtri(chance)
        slope = np.exp(-(distance**2) / 2) / (np.sqrt(2 * np.pi) * chance)
        rows = np.maximum(self._deadline - self._spent, LAST * self._deadline)
        spread = np.sqrt(rows * self._squares / (PRIOR + self._spent))
        return np.asarray(np.minimum(much * slope / spread, LARGEST / worst), dtype=np.float64)


def watched_mean(differences: ArrayLike, plan: Plan) -> Score:
    """The mean with an interval that holds after every row at once: each end at `plan.alpha`, found to 0.001.

    A confidence sequence: every mean that no game has ever refused. Nothing seen, nothing refused: -1 to 1.

    Raises:
        ValueError: no rows, or a difference that is not in [-1, 1].
    """
    d = np.asarray(differences, dtype=np.float64).ravel()
    if not len(d):
        raise ValueError("no rows")
    low, high = _refused(d, plan), -_refused(-d, plan)
    mean = float(d.mean())
    return Score(mean=mean, low=min(low, mean), high=max(high, mean), n=len(d))


def _refused(d: Floats, plan: Plan) -> float:
    """The highest bound such that it and all below it are exceeded, as far as the rows show; -1 if none is."""
    low, high = -1.0, 1.0
    for _ in range(2):
        bounds = np.linspace(low, high, _POINTS + 2)[1:-1]
        games = Planned(bounds, plan)
        games.extend(d)
        kept = np.flatnonzero(games.p > plan.alpha)
        first = int(kept[0]) if len(kept) else len(bounds)
        edges = np.concatenate([[low], bounds, [high]])
        low, high = float(edges[first]), float(edges[first + 1])
    return low
