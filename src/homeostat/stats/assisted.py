"""Evidence that may be looked at after every label, where a judge has said something of many more rows than have one.

Each label takes some rows without one beside it, on which it counts by how much the judge rated its own row otherwise
than those: X = D - weight × (J - mean J of the others). Where labels are given by chance J and its mean over the others
have the same mean, whatever the judge is, so X has that of D; and where the judge is good, less spread. That is
prediction-powered inference (2301.09633) as a control variate, row by row, so that it can be bet on (`stats.planned`; a
judge in tests by betting: Park et al. 2025, 2505.18659). The weight is tuned on the labels before (2311.01453): a judge
that says nothing gets none, and the bets are those of labels alone. A row stands beside one label at most, and brings
none itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.planned import Plan, Planned

Floats = NDArray[np.float64]

SHY = 10.0
"""Labels without any relation to the judge that are thought to be there, so that few real ones tune no weight."""
_LEAST, _NARROWEST = 1e-9, 0.2
MOST = 4
"""Rows without a label that one label takes beside it: a fifth of what the judge could save is lost with so few."""


class Assisted:
    """Games as of `Planned`, for several bounds or several sequences of rows side by side."""

    def __init__(self, bound: ArrayLike, plan: Plan) -> None:
        """One game for each bound. Raises as `Planned`."""
        self.game = Planned(bound, plan)
        # Labels that the judge rated; their number, and sums of D, J, D J, D D and J J over them.
        self._sums = np.zeros((6, len(self.game.bound)))

    @property
    def p(self) -> Floats:
        """p-value of each claim that holds although one looks after every label."""
        return self.game.p

    def update(
        self, differences: ArrayLike, told: ArrayLike = 0.0, rest: ArrayLike = 0.0, beside: ArrayLike = 0
    ) -> None:
        """Take one label.

        Args:
            differences: float[games], what it says, in [-1, 1].
            told: float[games], what the judge says of the same row, in [-1, 1].
            rest: float[games], the mean of what it says of rows without a label, in [-1, 1].
            beside: int[games], how many these are; where there are none the label counts by itself.

        Raises:
            ValueError: a number is not in [-1, 1].
        """
        d, own, others, n = (np.asarray(one, np.float64) for one in (differences, told, rest, beside))
        if not all(bool(np.all(np.abs(one) <= 1.0)) for one in (d, own, others)):
            raise ValueError("a difference is not in [-1, 1]")
        weight, worth = self.heeded(n)
        self.game.update(d - weight * (own - others), 1.0 + 2.0 * weight, worth)
        every = np.array(np.broadcast_arrays(np.ones_like(d), d, own, d * own, d * d, own * own))
        self._sums += np.where(n > 0, every, 0.0).reshape(len(self._sums), -1)

    def heeded(self, beside: ArrayLike) -> tuple[Floats, Floats]:
        """How far the judge is heeded on the next label, from 0 to 1, with so many rows beside it; and as many labels
        alone it is then thought to be worth: float[games] both.
        """
        many, (count, d, own, product, of_d, of_own) = np.asarray(beside, np.float64), self._sums
        n = np.maximum(count, 1.0)
        shy = count / (count + SHY)
        together = shy * (product / n - d * own / n**2)
        scatter, spread = (np.maximum(one, _LEAST) for one in (of_own / n - (own / n) ** 2, of_d / n - (d / n) ** 2))
        told = (scatter > _LEAST) & (many > 0)
        weight = np.where(told, np.clip(together / scatter * many / (many + 1.0), 0.0, 1.0), 0.0)
        return weight, 1.0 / np.clip(1.0 - weight * together / spread, _NARROWEST, 1.0)
