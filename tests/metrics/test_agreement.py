"""Kappa is scikit-learn's and correlation NumPy's, for any rows, drawn once or again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from homeostat.metrics.agreement import correlation_of, kappa_of, pair_sums, verdict_sums


@pytest.mark.parametrize("seed", range(6))
def test_as_the_references_say(seed: int) -> None:
    """Two who mostly agree, on rows of which some count several times."""
    rng = np.random.default_rng(seed)
    one = rng.random(60) < 0.7
    other = np.where(rng.random(60) < 0.25, ~one, one)
    weights = rng.integers(0, 4, 60)
    again = np.repeat(np.arange(60), weights)
    kappa = kappa_of(weights @ verdict_sums(one.tolist(), other.tolist()))[0]
    assert kappa == pytest.approx(cohen_kappa_score(one[again], other[again]))
    x, y = rng.normal(size=60), rng.normal(size=60) + one
    assert correlation_of(weights @ pair_sums(x.tolist(), y.tolist()))[0] == pytest.approx(
        np.corrcoef(x[again], y[again])[0, 1]
    )


def test_what_nothing_can_be_told_of() -> None:
    """Who always says the same agrees by chance alone; unequal lengths are refused."""
    assert kappa_of(verdict_sums([True] * 5, [True] * 5).sum(0))[0] == 0.0
    assert correlation_of(pair_sums([1.0] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]).sum(0))[0] == 0.0
    with pytest.raises(ValueError, match="beside"):
        verdict_sums([True], [])
    with pytest.raises(ValueError, match="beside"):
        pair_sums([1.0], [])


def test_kappa_by_hand() -> None:
    """Forty verdicts alike of fifty, where chance alone would have given twenty-six: (0.8 - 0.52) / (1 - 0.52)."""
    sums = np.array([25.0, 5.0, 5.0, 15.0])  # both yes, one, other, neither
    chance = (30 * 30 + 20 * 20) / 50**2
    assert kappa_of(sums)[0] == pytest.approx((0.8 - chance) / (1 - chance))
    assert kappa_of(np.array([10.0, 0.0, 0.0, 10.0]))[0] == 1.0
    assert kappa_of(np.array([0.0, 10.0, 10.0, 0.0]))[0] == -1.0


def test_many_sums_at_once() -> None:
    """Whole stacks of draws are told in one go, each as by itself."""
    stack = np.array([[25.0, 5.0, 5.0, 15.0], [10.0, 0.0, 0.0, 10.0]])
    assert kappa_of(stack)[:, 0] == pytest.approx([kappa_of(row)[0] for row in stack])
    pairs = pair_sums([1.0, 2.0, 4.0, 7.0], [1.0, 3.0, 2.0, 9.0])
    drawn = np.stack([pairs.sum(0), pairs[:3].sum(0)])
    assert correlation_of(drawn)[:, 0] == pytest.approx([correlation_of(row)[0] for row in drawn])
