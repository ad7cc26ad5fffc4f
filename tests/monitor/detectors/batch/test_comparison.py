"""Vectors are put on one scale, in which no column drowns the others and neither window is told from the other."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.detectors.batch.comparison import columns


def test_numbers_stay_in_their_unit() -> None:
    """One column, as it was."""
    a, b = columns(np.array([1.0, 2.0]), np.array([5.0]))
    assert (a.tolist(), b.tolist()) == ([[1.0], [2.0]], [[5.0]])


def test_large_columns_are_brought_down_and_seldom_ones_are_not_blown_up() -> None:
    """A column a thousand times as wide gets deviation 1; one that is hardly ever anything stays as small as it is."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)) * [1000.0, 1.0, 1.0, 1.0, 1e-6]
    spread = np.concatenate(columns(x[:150], x[150:])).std(axis=0)
    assert spread[:4] == pytest.approx(1.0, abs=0.1)
    assert spread[4] < 1e-5


def test_windows_may_change_places() -> None:
    """The scale is that of both together: swapped windows give swapped values."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(30, 3)) + 1
    (a, b), (c, d) = columns(x, y), columns(y, x)
    assert a == pytest.approx(d)
    assert b == pytest.approx(c)


def test_a_column_that_never_moves_does_no_harm() -> None:
    """No division by nothing."""
    a, b = columns(np.ones((4, 2)), np.ones((5, 2)))
    assert (a == 0).all()
    assert (b == 0).all()
