"""Gaps between groups: bounds that hold however many groups there are."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.stats.gaps import difference, gap, widened, within
from homeostat.stats.intervals import share_change

RUNS = 400


def drawn(rng: np.random.Generator, rates: list[float], n: int) -> dict[str, np.ndarray]:
    return {f"g{k}": (rng.random(n) < rate).astype(float) for k, rate in enumerate(rates)}


def test_of_two_groups_it_is_newcombes_interval() -> None:
    """Of two groups the upper bound is that of the difference of two shares, and the lower one is a test of either."""
    groups = {"a": np.repeat([1.0, 0.0], [80, 20]), "b": np.repeat([1.0, 0.0], [60, 40])}
    found = gap(groups, alpha=0.05)
    assert (found.most, found.least, found.score.n) == ("a", "b", 200)
    assert found.score.mean == pytest.approx(0.2)
    assert found.score.high == pytest.approx(share_change((60, 100), (80, 100), 0.9).high)
    assert found.score.low == pytest.approx(share_change((60, 100), (80, 100), 0.95).low)  # a over b, or b over a


@pytest.mark.parametrize(
    "rates",
    [
        [0.7, 0.8],
        pytest.param([0.7, 0.7, 0.8], marks=pytest.mark.slow),
        pytest.param([0.5, 0.9, 0.9, 0.55, 0.7, 0.8], marks=pytest.mark.slow),
    ],
)
def test_both_bounds_hold(rates: list[float]) -> None:
    """Neither bound is on the wrong side of the true gap in more than 5 % of draws, be it of two groups or of six."""
    rng, truth = np.random.default_rng(1), max(rates) - min(rates)
    found = [gap(drawn(rng, rates, 120)).score for _ in range(RUNS)]
    noise = 3 * np.sqrt(0.05 * 0.95 / RUNS)
    assert np.mean([score.low > truth for score in found]) <= 0.05 + noise
    assert np.mean([score.high < truth for score in found]) <= 0.05 + noise


@pytest.mark.slow
def test_alike_groups_are_not_refused() -> None:
    """Of ten groups that are alike, the naive interval of the two that look farthest apart excludes 0 most of the time;
    ours in at most 5 % of draws.
    """
    rng = np.random.default_rng(2)
    ours, naive = [], []
    for _ in range(150):
        groups = drawn(rng, [0.7] * 10, 100)
        found = gap(groups)
        ours.append(found.score.low > 0.0)
        most, least = groups[found.most], groups[found.least]
        naive.append(share_change((int(least.sum()), 100), (int(most.sum()), 100), 0.9).low > 0.0)
    assert np.mean(ours) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(naive) > 0.5


def test_the_p_value_and_the_upper_bound_agree() -> None:
    """A gap is shown to be within a margin just where its upper bound lies below it."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        groups = drawn(rng, [0.8, 0.83, 0.85], 150)
        assert (within(groups, 0.1) <= 0.05) == (gap(groups).score.high <= 0.1)


def test_a_gap_at_the_margin_is_shown_to_be_smaller_at_most_alpha() -> None:
    """Groups that are exactly the margin apart pass as alike in at most 5 % of draws."""
    rng = np.random.default_rng(4)
    passed = [within(drawn(rng, [0.75, 0.85], 300), 0.1) <= 0.05 for _ in range(RUNS)]
    assert np.mean(passed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / RUNS)


def test_real_values_get_welchs_interval() -> None:
    """Groups of unequal spread: the bound covers, although one has few rows."""
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(500):
        groups = {"a": rng.normal(0.5, 0.3, 25), "b": rng.normal(0.3, 0.05, 200)}
        missed += gap(groups).score.high < 0.2
    assert missed / 500 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


def test_a_gap_that_has_grown_is_told_from_one_that_turned_round() -> None:
    """From alike to 30 points apart: grown for sure. From 30 points one way to 30 the other way: not grown."""
    rng = np.random.default_rng(6)
    apart = {"a": (rng.random(400) < 0.9).astype(float), "b": (rng.random(400) < 0.6).astype(float)}
    alike = {"a": (rng.random(400) < 0.75).astype(float), "b": (rng.random(400) < 0.75).astype(float)}
    turned = {"a": apart["b"], "b": apart["a"]}
    assert widened(apart, alike) > 0.1
    assert widened(alike, apart) < 0.0
    assert widened(turned, apart) < 0.0


def test_what_makes_no_gap() -> None:
    """A single group, an empty one, and rows that are not the same are refused."""
    with pytest.raises(ValueError, match="two groups"):
        gap({"a": [1.0]})
    with pytest.raises(ValueError, match="two groups"):
        gap({"a": [1.0], "b": []})
    with pytest.raises(ValueError, match="same rows"):
        widened({"a": [1.0], "b": [0.0]}, {"a": [1.0, 0.0], "b": [0.0]})


def test_more_that_is_looked_at_makes_a_gap_less_certain() -> None:
    """Beside forty other pairs the lower bound is lower; the upper one, which every pair has to keep, is the same."""
    groups = {"a": np.repeat([1.0, 0.0], [80, 20]), "b": np.repeat([1.0, 0.0], [60, 40])}
    alone, among = gap(groups), gap(groups, family=40)
    assert among.score.low < alone.score.low
    assert among.score.high == alone.score.high


def test_of_three_groups_the_outer_two_are_named() -> None:
    """In whatever order they come; groups that are all alike have a gap of nothing, and a bound above it."""
    groups = {"b": [0.5] * 30, "c": [0.2] * 30, "a": [0.9] * 30}
    found = gap(groups)
    assert (found.most, found.least, found.score.mean) == ("a", "c", pytest.approx(0.7))
    same = gap({"a": [1.0] * 30, "b": [1.0] * 30})
    assert (same.score.mean, same.score.low) == (0.0, 0.0)
    assert same.most != same.least
    assert 0.0 < same.score.high < 0.2


def test_rows_of_one_user_count_as_one() -> None:
    """Two groups just as far apart as is allowed, 60 users each with ten rows that fare alike: rows alone say in many
    draws that they are closer, by users it is rarely said; bounds by users are wider and hold the truth.
    """
    said, held = {"rows": 0, "users": 0}, 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        whose = {name: np.repeat(np.arange(60), 10) for name in "ab"}
        groups = {"a": (rng.random(60) < 0.8)[whose["a"]] * 1.0, "b": (rng.random(60) < 0.65)[whose["b"]] * 1.0}
        said["rows"] += within(groups, 0.15) <= 0.05
        said["users"] += within(groups, 0.15, whose=whose) <= 0.05
        alone, by_users = gap(groups), gap(groups, whose=whose)
        assert by_users.score.mean == alone.score.mean
        assert by_users.score.low <= alone.score.low
        assert alone.score.high < by_users.score.high
        held += by_users.score.low <= 0.15 <= by_users.score.high
    assert said["rows"] >= 20
    assert said["users"] <= 10
    assert held >= 106


def test_rows_that_are_each_somebody_elses_are_as_before() -> None:
    """Bit for bit; and what says whose they are has to say it of each."""
    rng = np.random.default_rng(5)
    groups = {"a": (rng.random(200) < 0.7) * 1.0, "b": (rng.random(150) < 0.6) * 1.0}
    before = {"a": (rng.random(200) < 0.5) * 1.0, "b": (rng.random(150) < 0.5) * 1.0}
    whose = {name: np.arange(len(of)) for name, of in groups.items()}
    assert gap(groups, whose=whose) == gap(groups)
    assert within(groups, 0.2, whose=whose) == within(groups, 0.2)
    assert widened(groups, before, whose=whose) == widened(groups, before)
    with pytest.raises(ValueError, match="say whose they are"):
        gap(groups, whose={**whose, "b": whose["a"]})


def test_the_difference_of_two_groups_has_a_sign() -> None:
    """Newcombe's interval of shares, the other way round with its ends turned; `n` is of the first alone."""
    a, b = np.repeat([1.0, 0.0], [80, 20]), np.repeat([1.0, 0.0], [30, 20])
    found, turned, newcombe = difference(a, b), difference(b, a), share_change((30, 50), (80, 100))
    assert (found.mean, found.n, turned.n) == (pytest.approx(0.2), 100, 50)
    assert (found.low, found.high) == (pytest.approx(newcombe.low), pytest.approx(newcombe.high))
    assert (turned.low, turned.high) == (pytest.approx(-found.high), pytest.approx(-found.low))
    assert difference(a, b, level=0.999).low < found.low
    whose = np.repeat(np.arange(10), 10), np.repeat(np.arange(10), 5)
    assert difference(a, b, whose=whose).low < found.low - 0.1


def test_the_difference_of_changes_is_held() -> None:
    """Rows won, lost or neither, twelve beside 200: the interval of 99 % misses in at most 1 % of draws, and some."""
    rng, missed = np.random.default_rng(8), 0
    for _ in range(RUNS):
        first, second = (rng.choice([-1.0, 0.0, 1.0], p=[0.3, 0.65, 0.05], size=n) for n in (12, 200))
        found = difference(first, second, level=0.99)
        missed += not found.low <= 0.0 <= found.high
    assert missed / RUNS <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / RUNS)
