"""Evidence that may be looked at after every row: betting e-processes on paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]

GRID = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 0.95)


class Betting:
    """Wealth of a gambler who bets against "the mean difference is at most -margin", a fair or losing game if it holds.

    Under that null the wealth is a supermartingale that starts at 1, so it ever reaches 1/alpha with probability at
    most alpha, however often one looks and whenever one stops. It bets the shares `grid` of its stake in equal parts
    and needs no knowledge of the variance. Waudby-Smith and Ramdas 2020, 2010.09686.

    `Betting(margin)` gathers evidence *for* a candidate (non-inferior by `margin`; superior at 0), and its mirror
    `Betting.harm(margin)` evidence that the candidate is worse by more than `margin`. Differences lie in [-1, 1] and
    are candidate minus champion in both.
    """

    def __init__(self, margin: float = 0.0, grid: Sequence[float] = GRID, *, sign: int = 1) -> None:
        """`sign` is -1 for the mirror; use `harm`.

        Raises:
            ValueError: a margin outside (-1, 1), or a stake outside (0, 1).
        """
        if not -1 < margin < 1 or not all(0 < stake < 1 for stake in grid):
            raise ValueError(f"margin {margin}, stakes {tuple(grid)}")
        self.margin, self.grid, self.sign = margin, tuple(grid), sign
        self.n = 0
        self._logs = np.zeros(len(self.grid))

    @classmethod
    def harm(cls, margin: float = 0.0, grid: Sequence[float] = GRID) -> Betting:
        """Evidence against "the mean difference is at least -margin": the candidate does harm."""
        return cls(-margin, grid, sign=-1)

    @property
    def log_value(self) -> float:
        """Natural logarithm of the wealth."""
        return float(logsumexp(self._logs) - math.log(len(self._logs)))

    @property
    def value(self) -> float:
        """The wealth, an e-value: 20 or more is significant at 0.05. Infinite where it no longer fits a float."""
        return math.exp(self.log_value) if self.log_value < 709 else math.inf

    def passed(self, alpha: float) -> bool:
        """Whether the wealth is 1/alpha or more now. Act on it the first time it is true."""
        return self.log_value >= -math.log(alpha)

    def update(self, difference: float) -> float:
        """Take one more row; the natural logarithm of the wealth after it.

        Raises:
            ValueError: the difference is not in [-1, 1].
        """
        return float(self.extend([difference])[-1])

    def extend(self, differences: ArrayLike) -> Floats:
        """Take rows in their order; the natural logarithm of the wealth after each of them, float64[rows].

        Raises:
            ValueError: a difference is not in [-1, 1]; nothing is taken then.
        """
        d = np.asarray(differences, dtype=np.float64).ravel()
        if not np.all(np.abs(d) <= 1):
            raise ValueError("a difference is not in [-1, 1]")
        bets = self._bets(d)
        # Summed from the old wealth on, row by row: the same bits however the rows are cut into calls.
        paths = np.cumsum(np.vstack([self._logs, bets]), axis=0)[1:]
        if len(d):
            self._logs, self.n = paths[-1].copy(), self.n + len(d)
        return np.asarray(logsumexp(paths, axis=1) - math.log(len(self._logs)), dtype=np.float64)

    def take(self, differences: ArrayLike) -> float:
        """Take rows at once, in no order; the natural logarithm of the wealth after them all. It is that of `extend`
        but for rounding, and quicker where few differences are told apart.

        Raises:
            ValueError: a difference is not in [-1, 1]; nothing is taken then.
        """
        d, counts = np.unique(np.asarray(differences, dtype=np.float64).ravel(), return_counts=True)
        if not np.all(np.abs(d) <= 1):
            raise ValueError("a difference is not in [-1, 1]")
        self._logs = self._logs + counts @ self._bets(d)
        self.n += int(counts.sum())
        return self.log_value

    def _bets(self, d: Floats) -> Floats:
        """float64[rows, stakes]: logarithm of what each stake grows by with each row."""
        # The worst row is worth margin - 1. Below -1 (a harm margin) the stakes shrink, so that wealth stays positive.
        stakes = np.array(self.grid) / max(1.0, 1.0 - self.margin)
        return np.asarray(np.log1p(np.outer(self.sign * d + self.margin, stakes)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        return {
            "margin": self.margin,
            "grid": list(self.grid),
            "sign": self.sign,
            "n": self.n,
            "logs": self._logs.tolist(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Betting:
        """The process that `state` was taken from."""
        process = cls(state["margin"], state["grid"], sign=state["sign"])
        process.n, process._logs = int(state["n"]), np.array(state["logs"], dtype=np.float64)
        return process
