"""E-values have a mean of 1 where nothing moved, and e-BH holds its rate whatever they have to do with each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from homeostat.stats.evalues import ODDS, discoveries, share_evidence


@pytest.mark.parametrize(("both", "after", "rows"), [(1, 5, 9), (7, 30, 100), (300, 300, 1300), (1300, 300, 1300)])
def test_the_mean_is_one_where_rows_are_exchangeable(both: int, after: int, rows: int) -> None:
    """Weighted by the hypergeometric chance of each count, e-values add up to 1 at any size of windows and set."""
    counts = np.arange(max(0, both + after - rows), min(both, after) + 1)
    e = np.exp(share_evidence(counts, np.full(len(counts), both), after, rows))
    assert (e * stats.hypergeom.pmf(counts, rows, both, after)).sum() == pytest.approx(1.0, rel=1e-6)


def test_it_is_the_likelihood_ratio_of_fishers_noncentral_alternative() -> None:
    """The same as scipy's two distributions give, averaged over the odds."""
    expected = np.mean(
        [
            stats.nchypergeom_fisher.pmf(14, 120, 30, 40, math.exp(odds)) / stats.hypergeom.pmf(14, 120, 30, 40)
            for odds in ODDS
        ]
    )
    assert math.exp(share_evidence(14, 30, 40, 120)[0]) == pytest.approx(expected, rel=1e-6)


def test_a_share_that_moved_either_way_is_seen() -> None:
    """From a tenth to a third and from a third to nothing are both beyond doubt; no change is none."""
    grown, shrunk, same = share_evidence([100, 0, 30], [200, 333, 130], 300, 1300)
    assert min(grown, shrunk) > math.log(1e6)
    assert same < 0


def test_parts_are_no_larger_than_the_whole() -> None:
    """Counts that cannot be are refused."""
    for after, both in ((5, 4), (31, 40), (0, 101), (0, 80)):
        with pytest.raises(ValueError, match="part"):
            share_evidence(after, both, 30, 100)


def test_ebh_by_hand() -> None:
    """Of four at 0.1 the largest needs 40, the two largest 20 each, three 13.3, four 10."""
    assert discoveries(np.log([39.0, 1, 1, 1]), 0.1).tolist() == [False] * 4
    assert discoveries(np.log([40.0, 1, 1, 1]), 0.1).tolist() == [True, False, False, False]
    assert discoveries(np.log([1.0, 20, 1, 21]), 0.1).tolist() == [False, True, False, True]
    assert discoveries(np.log([10.0, 10, 10, 10]), 0.1).all()
    assert discoveries([], 0.1).tolist() == []
    assert not discoveries([-math.inf, -math.inf], 0.1).any()
    with pytest.raises(ValueError, match="alpha"):
        discoveries([0.0], 1.0)


def test_ebh_holds_where_all_err_together() -> None:
    """Fifty sets that are one set over again: no more than a tenth of 2,000 windows without a change name any."""
    counts = np.random.default_rng(0).hypergeometric(60, 240, 100, 2_000)
    logs = share_evidence(counts, np.full(2_000, 60), 100, 300)
    wrong = [discoveries(np.repeat(one, 50), 0.1).any() for one in logs]
    assert np.mean(wrong) <= 0.1
