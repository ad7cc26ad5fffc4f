"""The normal equations of ridge regression, kept as sums, and their solution, kept up at the cost of the new rows.

A row costs its outer product, whatever was seen before, and can be taken out again. The solution is kept up in one of
two ways, which give the same: a few rows are folded into the inverse (Woodbury's identity), many are solved anew.
Of width 1,536 with 150 columns on one core, to solve anew takes 180 ms, to fold in 20 rows about 20, 100 rows 90.
A rank-k update of the Cholesky factor (LAPACK's tpqrt) is as quick as folding, but every column must then be solved
again, which takes 50 ms, and it cannot take rows out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import LinAlgError, blas, cho_solve, cholesky, lapack, solve_triangular
from scipy.sparse import csr_array

from homeostat.llm.features import Floats

FEW = 1 / 12
"""Rows that are folded in, at most, as a share of the width; above, solving anew is quicker."""
LEAST = 1e-3
"""Rows are not folded out that leave less than this of what was known in some direction, a root: rounding would be all
that remained of the rest."""
Change = tuple[Floats, Floats, float]
"""Rows float64[n, width], targets float64[n, columns], and 1 where they came or −1 where they went."""


@dataclass(slots=True)
class Sums:
    """(Σ φφᵀ + penalty) W = Σ φyᵀ over all rows held, in float64."""

    penalty: Floats
    """float64[width]: what the square of each feature's weights is multiplied with; 0 leaves them free."""
    gram: Floats = field(init=False)
    """float64[width, width], column after column; only its lower half is kept up."""
    cross: Floats = field(init=False)
    """float64[width, columns]"""
    _solution: Floats | None = field(init=False, default=None)
    _factor: Floats | None = field(init=False, default=None)
    _inverse: Floats | None = field(init=False, default=None)
    _waiting: list[Change] = field(init=False, default_factory=list)
    _folded: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        width = len(self.penalty)
        self.gram = np.zeros((width, width), order="F")
        self.cross = np.zeros((width, 0))

    def widen(self, columns: int) -> None:
        """Have so many columns; the new ones have seen nothing but zeros."""
        new = np.zeros((len(self.penalty), columns - self.cross.shape[1]))
        self.cross = np.concatenate([self.cross, new], axis=1)
        if self._solution is not None:
            self._solution = np.concatenate([self._solution, new], axis=1)

    def keep(self, columns: np.ndarray) -> None:
        """Leave out all columns but these, int64[columns]; what is left solves what is left."""
        if self._waiting:
            self.solution()
        self.cross = self.cross[:, columns]
        if self._solution is not None:
            self._solution = self._solution[:, columns]

    def change(self, rows: Floats, targets: Floats, sign: float = 1.0) -> None:
        """Take rows in, or out with `sign=-1`: rows float64[n, width], targets float64[n, columns]."""
        if not len(rows):
            return
        self.gram = blas.dsyrk(sign, rows.T, beta=1.0, c=self.gram, lower=1, overwrite_c=1)
        self.cross += sign * (csr_array(targets).T @ rows).T  # labels are zeros but for one
        if self._solution is not None:
            self._waiting.append((rows, targets, sign))
            if self._behind > FEW * len(self.penalty):
                self._forget()

    def solution(self) -> Floats:
        """float64[width, columns]: the weights for all rows held. It is not written to later."""
        if self._folded + self._behind > len(self.penalty):
            self._forget()  # rounding errors add up; solving anew once per `width` rows adds little to a row's cost
        try:
            while self._waiting and self._solution is not None:
                self._fold(*self._waiting.pop(0))
        except LinAlgError:
            self._forget()
        if self._solution is None:
            self._solve()
        assert self._solution is not None
        return self._solution

    def leverage(self, rows: Floats) -> Floats:
        """float64[n]: φᵀ(Σ φφᵀ + penalty)⁻¹φ of rows float64[n, width], or how much a row held says of itself."""
        self.solution()
        if self._inverse is not None:
            return np.asarray((blas.dsymm(1.0, self._inverse, rows.T, lower=1).T * rows).sum(1))
        reach = solve_triangular(self._factor, rows.T, lower=True, check_finite=False)
        return np.asarray((reach**2).sum(0))

    @property
    def _behind(self) -> int:
        """Rows that the solution does not know of yet."""
        return sum(len(rows) for rows, _, _ in self._waiting)

    def _forget(self) -> None:
        self._solution = self._factor = self._inverse = None
        self._waiting, self._folded = [], 0

    def _solve(self) -> None:
        system = self.gram.copy(order="F")
        system[np.diag_indices_from(system)] += self.penalty
        self._factor = cholesky(system, lower=True, overwrite_a=True, check_finite=False)
        self._solution = cho_solve((self._factor, True), self.cross, check_finite=False)

    def _fold(self, rows: Floats, targets: Floats, sign: float) -> None:
        """(A ± VᵀV)⁻¹ = A⁻¹ ∓ UᵀU with U = L⁻¹VA⁻¹ and LLᵀ = 1 ± VA⁻¹Vᵀ; what W does not know of the rows corrects it.

        Raises:
            LinAlgError: rows go that were all there was of their kind.
        """
        assert self._solution is not None
        if self._inverse is None:
            self._inverse, self._factor = lapack.dpotri(self._factor, lower=1, overwrite_c=1)[0], None
        targets = np.pad(targets, ((0, 0), (0, self._solution.shape[1] - targets.shape[1])))
        spread = blas.dsymm(1.0, self._inverse, rows.T, lower=1)
        inner = cholesky(np.eye(len(rows)) + sign * rows @ spread, lower=True, check_finite=False)
        if inner.diagonal().min() < LEAST:
            raise LinAlgError("too little remains")
        error = targets - rows @ self._solution
        both = solve_triangular(inner, np.concatenate([spread.T, error], axis=1), lower=True, check_finite=False)
        reach = np.asfortranarray(both[:, : len(self.penalty)].T)
        self._inverse = blas.dsyrk(-sign, reach, beta=1.0, c=self._inverse, lower=1, overwrite_c=1)
        self._solution = self._solution + sign * reach @ both[:, len(self.penalty) :]
        self._folded += len(rows)
