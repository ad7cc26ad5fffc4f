"""Intervals of rows that belong together hold what they promise, where those that ignore it do not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from homeostat.stats.clustered import Ints, apart, asker, cluster_of, clusters_of, mean, p_above, paired, quantile
from homeostat.stats.intervals import mean_interval
from homeostat.stats.intervals import paired as paired_alone
from homeostat.types.interaction import Interaction


def users(rng: np.random.Generator, n: int, most: int) -> Ints:
    """int[rows]: users with one to so many requests each."""
    return np.repeat(np.arange(n), rng.integers(1, most + 1, n))


def covered(of: np.ndarray, truth: float, clusters: Ints) -> tuple[bool, bool]:
    """Whether the clustered interval, and that of rows alone, hold the truth."""
    both = mean(of, clusters), mean_interval(of)
    return both[0].low <= truth <= both[0].high, both[1].low <= truth <= both[1].high


def test_shares_of_users_are_covered() -> None:
    """Sixty users, each right always or never, ten requests each at most: the interval of rows alone holds the truth in
    fewer than 80 of 100 draws, that of users in 93 or more.
    """
    held = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        clusters = users(rng, 60, 10)
        held.append(covered((rng.random(60) < 0.8)[clusters].astype(float), 0.8, clusters))
    mine, alone = np.mean(held, axis=0)
    assert mine >= 0.93
    assert alone < 0.8


def test_means_of_users_are_covered() -> None:
    """The same of real values that users share in part."""
    held = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        clusters = users(rng, 40, 10)
        values = rng.beta(2, 2, 40)[clusters] * 0.7 + 0.3 * rng.beta(2, 2, len(clusters))
        held.append(covered(values, 0.5, clusters))
    mine, alone = np.mean(held, axis=0)
    assert mine >= 0.92
    assert alone < 0.8


def test_differences_of_users_are_covered() -> None:
    """Two versions that differ for a tenth of the users, for all their requests alike: no true difference."""
    held = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        clusters = users(rng, 80, 8)
        shift = rng.choice([-1.0, 0.0, 1.0], 80, p=[0.05, 0.9, 0.05])[clusters]
        mine, alone = paired(shift, np.zeros_like(shift), clusters), paired_alone(shift, np.zeros_like(shift))
        held.append((mine.low <= 0 <= mine.high, alone.low <= 0 <= alone.high))
    mine_held, alone_held = np.mean(held, axis=0)
    assert mine_held >= 0.92
    assert alone_held < 0.85


def test_rows_alone_are_exact() -> None:
    """Rows without a name are each a cluster of their own, and their interval is that of `stats.intervals`."""
    right = np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    clusters = clusters_of(["", "", "ann", "", "bob"])
    assert apart(clusters)
    assert mean(right, clusters) == mean_interval(right)
    assert paired(right, right[::-1], clusters) == paired_alone(right, right[::-1])
    assert not apart(clusters_of(["ann", "ann", ""]))


def test_clusters_that_are_all_alike_leave_doubt() -> None:
    """Forty rows of four users that are all right say no more than four rows would; of one user nothing is said."""
    clusters = np.repeat(np.arange(4), 10)
    assert mean(np.ones(40), clusters).low == pytest.approx(mean_interval(np.ones(4)).low)
    assert paired(np.ones(40), np.ones(40), clusters).low < -0.3
    one = np.zeros(40, np.int64)
    assert (mean(np.ones(40), one).low, mean(np.ones(40), one).high) == (0.0, 1.0)
    assert mean(np.linspace(0, 1, 40), one).high == math.inf


def test_quantiles_are_covered() -> None:
    """The 95th percentile of skewed times, of rows alone and of users with a pace of their own, in 93 of 100 draws."""
    alone, together = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = quantile(rng.lognormal(size=500), 0.95)
        alone.append(found.low <= math.exp(1.6448536) <= found.high)
        clusters = users(rng, 100, 10)
        paced = quantile(
            np.exp((rng.normal(size=100)[clusters] + rng.normal(size=len(clusters))) / 2**0.5), 0.95, clusters
        )
        together.append(paced.low <= math.exp(1.6448536) <= paced.high)
    assert np.mean(alone) >= 0.93
    assert np.mean(together) >= 0.92


def test_quantiles_of_few_rows_have_no_upper_end() -> None:
    """Of twenty requests nobody knows how slow the slowest hundredth is; the median has both ends."""
    values = np.arange(1.0, 21.0)
    assert quantile(values, 0.99).high == math.inf
    middle = quantile(values, 0.5)
    assert (middle.mean, middle.n) == (10.0, 20)
    assert 4.0 <= middle.low < 10.0 < middle.high <= 16.0
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, 1.0)


def test_rows_and_clusters_go_together() -> None:
    """As many of one as of the other, and at least one."""
    with pytest.raises(ValueError, match="rows"):
        mean([1.0, 0.0], np.array([0]))
    with pytest.raises(ValueError, match="values"):
        mean([])


@pytest.mark.parametrize("seed", range(8))
def test_the_interval_and_the_p_value_say_the_same(seed: int) -> None:
    """A bound lies below the interval at 1 - 2 alpha just where the p-value is below alpha: lopsided rows, rows in
    clusters, and rows with two more that nobody saw.
    """
    rng = np.random.default_rng(seed)
    values = -rng.exponential(0.2, 60) * (rng.random(60) < 0.3)
    for clusters, doubt in ((None, False), (users(rng, 60, 1), True), (np.repeat(np.arange(20), 3), False)):
        for alpha in (0.01, 0.05, 0.2):
            low = paired(values, 0.0 * values, clusters, 1 - 2 * alpha, doubt=doubt).low
            assert p_above(values, low - 1e-6, clusters, doubt=doubt) <= alpha
            assert p_above(values, min(low + 1e-6, 0.0), clusters, doubt=doubt) >= alpha - 1e-4


def test_losses_that_only_lean_to_one_side_are_not_taken_for_sure() -> None:
    """One row in fifty loses, none wins, and the truth lies at the bound: the p-value is at most 0.05 in no more than 7
    of 100 draws, where Student's t alone says so in more than 7.
    """
    mine, plain = [], []
    for seed in range(600):
        values = -0.999 * (np.random.default_rng(seed).random(600) < 0.02)
        mine.append(p_above(values, -0.02 * 0.999) <= 0.05)
        t = (values.mean() + 0.02 * 0.999) / (values.std(ddof=1) / 600**0.5) if values.any() else math.inf
        plain.append(t >= 1.6474)
    assert np.mean(mine) <= 0.07
    assert np.mean(plain) > 0.075


def test_one_cluster_proves_nothing() -> None:
    """However many rows it has; and rows that are all alike prove what they are."""
    assert p_above(np.full(50, 0.3), -0.5, np.zeros(50, np.int64)) == 1.0
    assert p_above(np.full(50, 0.3), -0.5, np.arange(50)) == 0.0
    assert p_above(np.full(50, -0.6), -0.5, np.arange(50)) == 1.0


def test_rows_belong_to_a_user_or_else_to_an_episode() -> None:
    """By their tags, the user before the episode; to nobody where they carry neither."""
    assert cluster_of({"user": "ann", "episode": "7", "language": "de"}) == "user ann"
    assert cluster_of({"episode": "7"}) == "episode 7"
    assert cluster_of({"language": "de", "user": ""}) == ""


def test_a_request_is_its_users_or_else_its_episodes() -> None:
    """By its tags, or by the episode that the gateway gave it."""
    row = Interaction(id="int_1", task="routing", time=1.0, text="hello", reply="hi", version="ver_1", episode="e7")
    assert asker(replace(row, tags={"user": "ann"})) == "user ann"
    assert asker(row) == "episode e7"
    assert asker(replace(row, episode="")) == ""
