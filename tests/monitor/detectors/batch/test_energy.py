"""Energy distance between numbers and between vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from homeostat.monitor.detectors.batch.comparison import columns
from homeostat.monitor.detectors.batch.energy import Energy


def test_on_numbers_it_is_scipys() -> None:
    """Windows of different sizes."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=70), rng.normal(size=110) * 2
    found = Energy(permutations=9)(a, b)
    assert found.statistic == pytest.approx(stats.energy_distance(a, b))
    assert found.effect == pytest.approx(b.mean() - a.mean())


def test_on_vectors_it_is_the_sum_over_all_pairs() -> None:
    """Twice between, less within, on the common scale; the effect is its share of twice between."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(55, 6)) + 0.5
    a, b = columns(x, y)
    between = 2 * cdist(a, b).mean()
    squared = between - cdist(a, a).mean() - cdist(b, b).mean()
    found = Energy(permutations=9)(x, y)
    assert found.statistic == pytest.approx(math.sqrt(squared))
    assert found.effect == pytest.approx(squared / between)


def test_it_sees_a_change_that_no_column_shows_alone() -> None:
    """Two columns that become one: each looks as before, both together do not."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 2))
    z = rng.normal(size=300)
    found = Energy(permutations=199)(x, np.column_stack([z, z]))
    assert found.p_value == 1 / 200


def test_large_windows_are_thinned() -> None:
    """It looks at no more rows than it says, so that its cost is bounded."""
    x = np.random.default_rng(3).normal(size=(700, 3))
    assert Energy(rows=100, permutations=9)(x, x[:60]).n_reference == 100
    assert Energy(rows=100, permutations=9)(x[:5], x[:5]).effect == pytest.approx(0.0, abs=1e-9)
