"""Many tests at once: Holm errs anywhere with probability alpha, Benjamini–Hochberg in a share of alpha."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.stats.intervals import upper_bound
from homeostat.stats.many import benjamini_hochberg, holm

# The fifteen p-values of Benjamini and Hochberg 1995, section 4.
PUBLISHED = (
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
)  # fmt: skip


def test_the_published_example_refuses_what_was_published() -> None:
    """At 0.05 the paper's fifteen tests give four discoveries, and three after a correction for any error at all."""
    assert int((benjamini_hochberg(PUBLISHED) <= 0.05).sum()) == 4
    assert int((holm(PUBLISHED) <= 0.05).sum()) == 3


def test_q_values_are_scipys() -> None:
    """Equal to `scipy.stats.false_discovery_control`, in any order and with ties."""
    rng = np.random.default_rng(0)
    for size in (1, 2, 17, 60):
        p = np.round(rng.random(size) ** 3, 2)
        assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_holm_is_the_stepwise_procedure() -> None:
    """An adjusted value is at most alpha exactly where going up from the smallest has not stopped before."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        p, alpha = rng.random(8) ** 4, 0.05
        refused, left = set(), len(p)
        for k in np.argsort(p):
            if p[k] > alpha / left:
                break
            refused.add(int(k))
            left -= 1
        assert {int(k) for k in np.flatnonzero(holm(p) <= alpha)} == refused


def test_the_order_does_not_matter() -> None:
    """Every value comes back at its own place."""
    p = np.array([0.04, 0.001, 0.9, 0.02])
    turned = np.array([2, 0, 3, 1])
    for corrected in (holm, benjamini_hochberg):
        assert corrected(p[turned]) == pytest.approx(corrected(p)[turned])


def test_neither_makes_a_p_value_smaller_nor_larger_than_one() -> None:
    """A single test stays as it is, and Holm never says less than the q-value."""
    rng = np.random.default_rng(2)
    p = rng.random(40)
    assert holm([0.03]) == benjamini_hochberg([0.03]) == pytest.approx(0.03)
    assert (p <= benjamini_hochberg(p)).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-12).all()
    assert holm(p).max() <= 1
    assert len(holm([])) == len(benjamini_hochberg([])) == 0


def test_holm_errs_anywhere_at_most_as_often_as_it_says() -> None:
    """Twenty true nulls that share most of their noise: of 2,000 draws, hardly more than a twentieth has any error."""
    rng = np.random.default_rng(3)
    z = 0.8 * rng.normal(size=(2000, 1)) + 0.6 * rng.normal(size=(2000, 20))
    errors = sum(bool((holm(row) <= 0.05).any()) for row in stats.norm.sf(z))
    bare = int((stats.norm.sf(z) <= 0.05).any(axis=1).sum())
    assert errors / 2000 <= upper_bound(100, 2000)
    assert bare > 4 * errors  # what a table of bare p-values would have done


def test_a_share_of_the_discoveries_is_wrong_at_most() -> None:
    """Fifteen nulls and five effects: the mean share of wrong ones among the discoveries is below alpha."""
    rng = np.random.default_rng(4)
    p = stats.norm.sf(rng.normal(size=(1000, 20)) + np.repeat([0.0, 3.0], [15, 5]))
    found = np.array([benjamini_hochberg(row) <= 0.1 for row in p])
    wrong = found[:, :15].sum(axis=1) / np.maximum(found.sum(axis=1), 1)
    assert wrong.mean() < 0.1
    assert found[:, 15:].mean() > 0.8


@pytest.mark.parametrize("bad", [[0.5, np.nan], [-0.1], [1.1]])
def test_what_is_no_p_value_is_refused(bad: list[float]) -> None:
    """Numbers outside [0, 1] and NaN have no place among p-values."""
    for corrected in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p-value"):
            corrected(bad)
