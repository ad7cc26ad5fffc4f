"""What a version would have been worth, from the chance with which each request was routed to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.stats.intervals import proportion
from homeostat.stats.off_policy import Logged, clip_at, effective_rows, value_of


def logged(
    rng: np.random.Generator, n: int = 2000, shares: tuple[float, ...] = (0.1,), *, seen: bool = True, of: int = 1
) -> tuple[Logged, float]:
    """A log whose later half is harder, the version tried on rising shares; and the mean had it answered everything."""
    late = np.arange(n) >= n // 2
    share = np.array(shares)[np.arange(n) * len(shares) // n]
    episode = rng.permutation(n) // of
    hit = rng.random(n)[episode] < share
    luck = rng.random(n)[episode] if of > 1 else rng.random(n)
    outcome = (luck < np.where(late, 0.4, 0.9)).astype(float)
    about = late[:, None].astype(float) if seen else np.zeros((n, 0))
    return Logged(share, hit, np.ones(n, dtype=bool), outcome, episode, about), float(outcome.mean())


def test_a_raised_share_misleads_the_plain_mean_and_not_the_weights() -> None:
    """Most of what the version answered is late and hard: its plain mean is 0.15 too low, and the estimate is not."""
    found = []
    for seed in range(100):
        rows, truth = logged(np.random.default_rng(seed), shares=(0.05, 0.3))
        value = value_of(rows)
        assert value.score is not None
        found.append((value.naive - truth, value.score.mean - truth, value.score.low <= truth <= value.score.high))
    naive, ours, inside = np.mean(found, axis=0)
    assert naive < -0.15
    assert abs(ours) < 0.01
    assert inside > 0.9


def test_one_weight_for_all_is_clopper_and_pearson() -> None:
    """With the same chance everywhere and no model, the interval is the exact one of a share, to a thousandth."""
    hit, outcome = np.arange(500) < 50, np.arange(500) < 7
    rows = Logged(np.full(500, 0.1), hit, np.ones(500, bool), outcome.astype(float), np.arange(500), np.zeros((500, 0)))
    found, exact = value_of(rows).score, proportion(7, 50)
    assert found is not None
    assert (found.mean, found.n) == (pytest.approx(exact.mean), 50)
    assert (found.low, found.high) == (pytest.approx(exact.low, abs=2e-3), pytest.approx(exact.high, abs=2e-3))


def test_without_a_single_success_the_interval_is_still_one() -> None:
    """No outcome above 0 in 50: from 0 to what the exact interval allows, and not a point."""
    hit = np.arange(500) < 50
    rows = Logged(np.full(500, 0.1), hit, np.ones(500, bool), np.zeros(500), np.arange(500), np.zeros((500, 0)))
    found = value_of(rows).score
    assert found is not None
    assert found.mean == 0.0
    assert found.low == 0.0
    assert found.high == pytest.approx(proportion(0, 50).high, rel=0.05)


def test_a_model_of_the_outcome_narrows_and_one_of_nothing_is_not_heeded() -> None:
    """Told which half a row is from, the interval is narrower; told noise, it is that of the weights alone."""
    rng = np.random.default_rng(1)
    rows, _ = logged(rng, n=6000)
    value = value_of(rows)
    assert value.score is not None
    assert value.plain is not None
    assert value.heeded > 0.5
    assert value.score.high - value.score.low < 0.93 * (value.plain.high - value.plain.low)
    noise = Logged(rows.chance, rows.hit, rows.told, rows.outcome, rows.episode, rng.normal(size=(6000, 1)))
    blind = value_of(noise)
    assert blind.score is not None
    assert blind.heeded == 0.0
    assert blind.score == blind.plain


def test_rows_of_an_episode_count_together() -> None:
    """Ten rows with one luck between them: the interval covers, where counting each of them would not."""
    inside, apart = [], []
    for seed in range(80):
        rows, truth = logged(np.random.default_rng(seed), n=4000, shares=(0.2,), of=10)
        alone = Logged(rows.chance, rows.hit, rows.told, rows.outcome, np.arange(4000), rows.about)
        for held, which in ((inside, rows), (apart, alone)):
            score = value_of(which).score
            assert score is not None
            held.append(score.low <= truth <= score.high)
    assert np.mean(inside) > 0.9
    assert np.mean(apart) < 0.8


def test_too_few_rows_are_refused_and_as_many_as_it_names_are_enough() -> None:
    """Ten effective rows: no estimate, and a sentence with a number; after that many more requests there is one."""
    rows, _ = logged(np.random.default_rng(4), n=200, shares=(0.05,))
    value = value_of(rows)
    assert value.score is None
    assert value.effective == rows.hit.sum()
    assert f"about {value.more:,} more requests" in value.because
    answered = [value_of(logged(np.random.default_rng(s), 200 + value.more, (0.05,))[0]).score for s in range(60)]
    assert np.mean([score is not None for score in answered]) > 0.7


def test_without_any_outcome_the_sentence_says_so() -> None:
    """Nothing known yet, and no request at all."""
    rows, _ = logged(np.random.default_rng(5), n=100)
    silent = Logged(rows.chance, rows.hit, np.zeros(100, bool), np.zeros(100), rows.episode, rows.about)
    assert "none has an outcome yet (of 100 requests about 10 would have been its own)" in value_of(silent).because
    none = Logged(*(np.zeros(0, kind) for kind in (float, bool, bool, float, int)), np.zeros((0, 2)))
    assert "it could answer no request" in value_of(none).because


def test_weights_are_clipped_where_that_pays_and_what_it_leaves_out_is_in_the_interval() -> None:
    """A tenth of the rows at a share of 1 in 1,000 would drown the rest: they are clipped, and the interval wider by
    what may be true of them. With one share for all nothing is.
    """
    rng = np.random.default_rng(6)
    assert clip_at(np.full(1000, 0.01)) == math.inf
    inside = []
    for _ in range(60):
        chance = np.where(np.arange(4000) < 400, 0.001, 0.3)
        outcome = (rng.random(4000) < np.where(chance < 0.1, 0.2, 0.8)).astype(float)
        rows = Logged(
            chance, rng.random(4000) < chance, np.ones(4000, bool), outcome, np.arange(4000), np.zeros((4000, 0))
        )
        value = value_of(rows)
        assert value.score is not None
        assert 3 < value.limit < 1000
        assert value.left_out == pytest.approx(0.1 * (1 - value.limit * 0.001), abs=1e-9)
        inside.append(value.score.low <= outcome.mean() <= value.score.high)
        assert value.score.high - value.score.low > value.left_out
    assert np.mean(inside) > 0.95


def test_effective_rows_are_kishs() -> None:
    """Equal weights count all, one heavy row counts one, and an episode counts once."""
    assert effective_rows(np.ones(10), np.arange(10)) == pytest.approx(10)
    assert effective_rows(np.array([100.0, *[0.01] * 9]), np.arange(10)) == pytest.approx(1, abs=0.01)
    assert effective_rows(np.ones(10), np.arange(10) // 5) == pytest.approx(2)


def test_what_is_no_log_is_refused() -> None:
    """A chance of 0 gives no weight, and columns must be of the same rows."""
    one = np.ones(1)
    with pytest.raises(ValueError, match="chance"):
        value_of(Logged(np.zeros(1), one > 0, one > 0, one, np.zeros(1, int), np.zeros((1, 0))))
    with pytest.raises(ValueError, match="unequal"):
        value_of(Logged(np.ones(2), one > 0, one > 0, one, np.zeros(1, int), np.zeros((1, 0))))
