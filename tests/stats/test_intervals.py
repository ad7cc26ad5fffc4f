"""Intervals cover what they say, also where rows are few or all alike."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from homeostat.stats.intervals import bootstrap, mean_interval, paired, proportion, share_change, upper_bound


def test_proportion_equals_the_published_clopper_pearson_interval():
    """Clopper-Pearson of 4 in 20, from the beta quantiles that define it."""
    score = proportion(4, 20)

    assert (score.mean, score.n) == (0.2, 20)
    assert score.low == pytest.approx(0.0573, abs=5e-5)
    assert score.high == pytest.approx(0.4366, abs=5e-5)


@pytest.mark.parametrize("n", [1, 7, 30])
@pytest.mark.parametrize("true", [0.01, 0.13, 0.5, 0.97])
def test_proportion_covers_by_exact_enumeration(n, true):
    """Over every outcome, the interval holds the true share with at least the level's probability."""
    covered = sum(
        stats.binom.pmf(k, n, true) for k in range(n + 1) if proportion(k, n).low <= true <= proportion(k, n).high
    )

    assert covered >= 0.95


def test_proportion_of_none_and_all_is_one_sided_and_never_a_point():
    """No success in ten is not a proof of impossibility."""
    assert proportion(0, 10).low == 0.0
    assert 0.25 < proportion(0, 10).high < 0.31
    assert proportion(10, 10).high == 1.0


def test_upper_bound_is_the_rule_of_three():
    """No event in 1,000 trials bounds the rate at about 3 in 1,000."""
    assert upper_bound(0, 1000) == pytest.approx(0.002991, abs=1e-6)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_proportion_refuses_what_is_no_share(k, n):
    """A share needs rows, and no more successes than rows."""
    with pytest.raises(ValueError, match="not a share"):
        proportion(k, n)


def test_mean_interval_is_exact_for_right_and_wrong_and_t_for_scores():
    """Zeros and ones get Clopper-Pearson, real values Student's t."""
    scores = [0.2, 0.9, 0.4, 0.7]
    expected = stats.t.interval(0.95, 3, loc=np.mean(scores), scale=stats.sem(scores))

    assert mean_interval([1, 0, 0, 0, 0]) == proportion(1, 5)
    assert (mean_interval(scores).low, mean_interval(scores).high) == pytest.approx(expected)


def test_mean_interval_of_one_score_claims_nothing():
    """One real value has no spread to speak of, so its interval is the whole line."""
    assert mean_interval([0.4]).low == -np.inf


def test_mean_interval_refuses_no_rows():
    """A mean of nothing is an error, not a zero."""
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])


@pytest.mark.parametrize(("win", "lose"), [(0.02, 0.02), (0.1, 0.05), (0.0, 0.04)])
def test_paired_covers_by_exact_enumeration(win, lose):
    """Over every outcome of 25 rows, Tango's interval holds the true difference about as often as it says."""
    n, covered = 25, 0.0
    for w, x in product(range(n + 1), repeat=2):
        if w + x > n:
            continue
        chance = stats.multinomial.pmf([w, x, n - w - x], n, [win, lose, 1 - win - lose])
        score = paired([1] * w + [0] * (n - w), [0] * w + [1] * x + [0] * (n - w - x))
        covered += chance * (score.low <= win - lose <= score.high)

    assert covered >= 0.94


def test_paired_on_equal_columns_keeps_an_honest_width():
    """Thirty rows without a difference do not prove that there is none."""
    score = paired([1] * 30, [1] * 30)

    assert score.mean == 0.0
    assert score.low == pytest.approx(-score.high)
    assert 0.1 < score.high < 0.13


def test_paired_at_the_end_of_the_scale_stays_inside_it():
    """Ten wins in ten rows bound the difference from below only."""
    score = paired([1] * 10, [0] * 10)

    assert score.high == pytest.approx(1.0)
    assert 0.4 < score.low < 0.5


def test_paired_scores_are_a_t_interval_of_the_differences():
    """Real-valued scores are compared row by row, not as two samples."""
    a, b = np.array([50.0, 61.0, 47.5]), np.array([49.0, 58.0, 47.0])
    expected = stats.t.interval(0.95, 2, loc=np.mean(a - b), scale=stats.sem(a - b))

    assert (paired(a, b).low, paired(a, b).high) == pytest.approx(expected)


def test_paired_refuses_columns_of_different_length():
    """Pairs need partners."""
    with pytest.raises(ValueError, match="not the same rows"):
        paired([1, 0], [1])


def test_bootstrap_of_the_mean_agrees_with_theory_and_repeats():
    """Its interval of a mean is close to the normal one, and the same seed gives the same interval."""
    x = np.random.default_rng(3).normal(5.0, 2.0, 400)
    score = bootstrap(x, np.mean, seed=1)
    half = 1.96 * x.std() / 20

    assert (score.low, score.high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.04)
    assert score == bootstrap(x, np.mean, seed=1)


def test_bootstrap_draws_whole_rows():
    """A ratio of two columns stays the ratio of the same rows."""
    rows = np.column_stack([np.arange(1.0, 50), 2 * np.arange(1.0, 50)])
    score = bootstrap(rows, lambda r: float(r[:, 1].sum() / r[:, 0].sum()), draws=50)

    assert (score.low, score.high) == pytest.approx((2.0, 2.0))


def test_the_change_of_a_share_is_the_published_one():
    """Newcombe's first example, 56 of 70 against 48 of 80, has the interval of his table for method 10."""
    found = share_change((48, 80), (56, 70))

    assert (found.mean, found.n) == (pytest.approx(0.2), 150)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


def test_the_change_of_a_share_covers_near_nothing_and_all():
    """At 1 %, 50 % and 99 % of a hundred rows the truth is inside in about 95 % of draws; from none to none it is 0."""
    rng = np.random.default_rng(0)
    for before, after in ((0.01, 0.01), (0.01, 0.06), (0.5, 0.6), (0.99, 0.95)):
        draws = zip(rng.binomial(100, before, 800), rng.binomial(150, after, 800), strict=True)
        held = [share_change((int(a), 100), (int(b), 150)) for a, b in draws]
        assert np.mean([one.low <= after - before <= one.high for one in held]) > 0.93
    assert share_change((0, 40), (0, 40)).mean == 0.0
    assert share_change((0, 40), (0, 40)).high > 0.05


def test_a_share_of_nothing_is_refused():
    """No rows, or more rows with it than there are."""
    for wrong in ((0, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="share"):
            share_change((1, 2), wrong)
