"""The sums: few rows are folded in, many are solved anew, and nobody can tell which."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.train.head.sums import FEW, Sums

WIDTH = 120


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rectified features of different scale, and two targets."""
    rng = np.random.default_rng(seed)
    features = np.maximum(rng.standard_normal((count, WIDTH)), 0.0) * np.geomspace(0.1, 10, WIDTH)
    return features, rng.standard_normal((count, 2))


def held(*parts: tuple[np.ndarray, np.ndarray], penalty: float = 0.1) -> Sums:
    """Sums that were given these parts at once."""
    sums = Sums(np.full(WIDTH, penalty))
    sums.widen(2)
    sums.change(*(np.concatenate(both) for both in zip(*parts, strict=True)))
    return sums


@pytest.mark.parametrize("count", [1, int(FEW * WIDTH), int(FEW * WIDTH) + 1, 60], ids=lambda count: f"{count} rows")
def test_rows_that_come_and_go(count: int) -> None:
    """One row or many, after a solution: they come and go as if all had been there, or nothing, from the start."""
    begun, more = rows(200), rows(count, 1)
    sums, alone = held(begun), held(begun).solution()
    sums.solution()
    sums.change(*more)
    np.testing.assert_allclose(sums.solution(), held(begun, more).solution(), atol=1e-9)
    sums.change(*more, -1.0)
    sums.change(*rows(0))
    np.testing.assert_allclose(sums.solution(), alone, atol=1e-9)


def test_rounding_does_not_add_up() -> None:
    """After a thousand rows that came one at a time, each followed by a look, the solution is exact still."""
    sums, (features, targets) = held(rows(5)), rows(1000, 1)
    for k in range(1000):
        sums.change(features[k : k + 1], targets[k : k + 1])
        sums.solution()
    np.testing.assert_allclose(sums.solution(), held(rows(5), (features, targets)).solution(), atol=1e-9)


def test_a_solution_stays_what_it_was() -> None:
    """What was given is not written to when rows and columns come later."""
    sums = held(rows(50))
    given = sums.solution()
    copy = given.copy()
    sums.change(*rows(3, 1))
    sums.widen(4)
    sums.solution()
    np.testing.assert_array_equal(given, copy)


def test_a_column_that_comes_later() -> None:
    """A target that nobody had so far was zero for all rows before."""
    (features, targets), (more, others) = rows(80), rows(4, 1)
    sums = held((features, targets))
    sums.solution()
    sums.change(more, others)
    sums.widen(3)
    sums.change(more, np.ones((4, 3)))
    whole = Sums(np.full(WIDTH, 0.1))
    whole.widen(3)
    wide = np.concatenate([np.pad(np.concatenate([targets, others]), ((0, 0), (0, 1))), np.ones((4, 3))])
    whole.change(np.concatenate([features, more, more]), wide)
    np.testing.assert_allclose(sums.solution(), whole.solution(), atol=1e-9)
    sums.keep(np.array([0, 2]))
    np.testing.assert_allclose(sums.solution(), whole.solution()[:, [0, 2]], atol=1e-9)


def test_nearly_all_goes() -> None:
    """Rows that were all there was of their kind can go: what remains is solved anew rather than told from rounding."""
    first, second = rows(3), rows(3, 1)
    sums = held(first, second, penalty=1e-9)
    sums.solution()
    sums.change(*second, -1.0)
    np.testing.assert_allclose(sums.gram[np.tril_indices(WIDTH)], held(first).gram[np.tril_indices(WIDTH)], atol=1e-9)
    residual = (np.tril(sums.gram) + np.tril(sums.gram, -1).T + 1e-9 * np.eye(WIDTH)) @ sums.solution() - sums.cross
    assert np.abs(residual).max() < 1e-6


@pytest.mark.parametrize("folded", [False, True], ids=["solved", "folded in"])
def test_how_much_rows_say_of_themselves(folded: bool) -> None:
    """The leverage of rows is that of the joint system, whichever way the solution was kept up."""
    begun, more = rows(200), rows(5, 1)
    sums = held(begun)
    if folded:
        sums.solution()
    sums.change(*more)
    every = np.concatenate([begun[0], more[0]])
    inverse = np.linalg.inv(every.T @ every + 0.1 * np.eye(WIDTH))
    np.testing.assert_allclose(sums.leverage(every), np.einsum("nk,kl,nl->n", every, inverse, every), atol=1e-8)
