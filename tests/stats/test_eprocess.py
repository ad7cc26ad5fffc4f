"""Betting keeps its level under peeking after every row, sees harm as fast as measured, and survives a restart."""

import json
import math

import numpy as np
import pytest

from homeostat.stats.eprocess import GRID, Betting


def rows(rng, win, lose, n):
    """Paired differences, n of them."""
    return rng.choice([1.0, -1.0, 0.0], size=n, p=[win, lose, 1 - win - lose])


def stopping_times(make, win, lose, *, alpha, runs, n, seed=0):
    """First row at which the wealth is 1/alpha, per run; infinite where it never is."""
    rng = np.random.default_rng(seed)
    times = []
    for _ in range(runs):
        passed = make().extend(rows(rng, win, lose, n)) >= -math.log(alpha)
        times.append(passed.argmax() + 1 if passed.any() else math.inf)
    return np.array(times)


@pytest.mark.parametrize(
    ("make", "win", "lose"),
    [
        (lambda: Betting(0.0), 0.05, 0.05),
        (lambda: Betting(0.02), 0.04, 0.06),
        (lambda: Betting(0.05), 0.0, 0.05),
        (lambda: Betting.harm(0.0), 0.05, 0.05),
        (lambda: Betting.harm(0.05), 0.025, 0.075),
    ],
)
def test_peeking_after_every_row_keeps_the_level_at_the_boundary(make, win, lose):
    """Exactly at the null, over 4,000 looks, at most 5 % of 600 runs ever pass (three standard errors allowed)."""
    times = stopping_times(make, win, lose, alpha=0.05, runs=600, n=4000)

    assert np.isfinite(times).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_naive_test_under_the_same_peeking_does_not_keep_it():
    """The simulation can tell: an uncorrected z-test, looked at after every row, is wrong several times as often."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        d = rows(rng, 0.05, 0.05, 4000)
        seen = np.arange(1, 4001)
        wrong += bool((d.cumsum() / np.sqrt(np.maximum((d * d).cumsum(), 1)) > 1.645)[seen > 100].any())

    assert wrong / 300 > 0.2


@pytest.mark.parametrize(
    ("drop", "alpha", "expected"),
    [(0.05, 0.05, 264), (0.05, 0.01, 402), (0.03, 0.05, 790), (0.03, 0.01, 1200), (0.08, 0.05, 102), (0.08, 0.01, 150)],
)
def test_harm_is_seen_after_the_measured_number_of_rows(drop, alpha, expected):
    """Median rows to withdrawal at a discordance of 0.10 are those of another implementation, within a quarter."""
    times = stopping_times(Betting.harm, (0.1 - drop) / 2, (0.1 + drop) / 2, alpha=alpha, runs=400, n=6000, seed=1)

    assert np.median(times) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize(("win", "lose", "margin", "expected"), [(0.07, 0.03, 0.0, 446), (0.05, 0.05, 0.03, 832)])
def test_promotion_costs_about_as_many_rows_as_measured(win, lose, margin, expected):
    """Median rows to promotion are those of another implementation, within a quarter."""
    times = stopping_times(lambda: Betting(margin), win, lose, alpha=0.05, runs=300, n=6000, seed=2)

    assert np.median(times) == pytest.approx(expected, rel=0.25)


def test_wealth_is_the_mean_of_its_products():
    """Four rows worked out by hand with the definition."""
    d, margin = [1, 0, -1, 1], 0.02
    products = [math.prod(1 + stake * (x + margin) for x in d) for stake in GRID]
    process = Betting(margin)
    process.extend(d)

    assert process.value == pytest.approx(sum(products) / len(GRID))
    assert process.log_value == pytest.approx(math.log(process.value))


def test_one_by_one_and_all_at_once_are_the_same():
    """A row more is a row more, however it comes."""
    d = rows(np.random.default_rng(5), 0.1, 0.05, 200)
    single, whole = Betting(0.02), Betting(0.02)

    path = [single.update(x) for x in d]

    assert path == whole.extend(d).tolist()
    assert single.n == whole.n == 200


def test_rows_in_no_order_are_worth_the_same():
    """Taken at once, in parts or row by row, wealth is the same but for rounding; a wrong row changes nothing."""
    rng = np.random.default_rng(4)
    d = rng.choice([-1.0, -0.5, 0.0, 1.0], 500)
    for make in (lambda: Betting(0.05), lambda: Betting.harm(0.05)):
        one, other = make(), make()
        one.extend(d)
        other.take(rng.permutation(d[:200]))
        assert other.take(d[200:]) == pytest.approx(one.log_value, rel=1e-9)
        assert one.n == other.n == 500
        with pytest.raises(ValueError, match=r"\[-1, 1\]"):
            other.take([0.0, 1.5])
        assert other.take([]) == pytest.approx(one.log_value, rel=1e-9)


def test_state_goes_through_json_and_goes_on():
    """A process restored from JSON in the middle ends exactly where the undisturbed one does."""
    d = rows(np.random.default_rng(6), 0.03, 0.08, 300)
    undisturbed, first = Betting.harm(0.02), Betting.harm(0.02)
    undisturbed.extend(d)
    first.extend(d[:130])

    second = Betting.restore(json.loads(json.dumps(first.state())))
    second.extend(d[130:])

    assert second.state() == undisturbed.state()
    assert second.passed(0.05) == undisturbed.passed(0.05)


def test_overwhelming_evidence_does_not_overflow():
    """Ten thousand wins are infinite wealth and a finite logarithm."""
    process = Betting(0.0)
    process.extend(np.ones(10_000))

    assert process.value == math.inf
    assert math.isfinite(process.log_value)
    assert process.passed(1e-300)


@pytest.mark.parametrize("margin", [0.05, 0.3, 0.9])
def test_harm_with_any_margin_survives_its_worst_row(margin):
    """Wealth stays positive after the most unlucky rows, so that later ones still count."""
    process = Betting.harm(margin)
    process.extend(np.ones(50))

    assert math.isfinite(process.log_value)
    assert process.log_value < 0


def test_a_difference_off_the_scale_is_refused_and_changes_nothing():
    """Scores of 0 to 100 or NaN fed by mistake are an error, not evidence."""
    process = Betting()
    process.update(1.0)
    for wrong in (3.5, math.nan):
        with pytest.raises(ValueError, match=r"\[-1, 1\]"):
            process.extend([0.0, wrong])

    assert process.n == 1


@pytest.mark.parametrize(("margin", "grid"), [(1.0, GRID), (0.0, (0.5, 1.0)), (0.0, (0.0,))])
def test_a_gamble_that_could_ruin_is_refused(margin, grid):
    """Stakes lie strictly between nothing and everything."""
    with pytest.raises(ValueError, match="margin"):
        Betting(margin, grid)
