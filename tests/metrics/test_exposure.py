"""Exposure is that of the paper, its test errs as often as it may, and finds as much as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.metrics.exposure import LEVEL, bits, detectable, exposed, power, rank


def test_a_rank_is_a_place_among_alternatives() -> None:
    """The likeliest is first, the least likely last, and one that is as likely as another comes after it."""
    assert rank(-1.0, [-3.0, -2.0]) == 1
    assert rank(-4.0, [-3.0, -2.0]) == 3
    assert rank(-2.0, [-3.0, -2.0]) == 2
    for wrong in ([], [math.nan]):
        with pytest.raises(ValueError, match="at least one"):
            rank(0.0, wrong)


def test_exposure_is_the_papers() -> None:
    """log2 of the number of secrets less log2 of the rank: all bits at rank 1, none at the last."""
    assert bits(1, 1024) == 10.0
    assert bits(1024, 1024) == 0.0
    assert bits(2, 1024) == 9.0


@pytest.mark.slow
@pytest.mark.parametrize("among", [8, 1000])
def test_canaries_that_were_never_seen_seem_known_as_often_as_the_level_says(among: int) -> None:
    """Of 4,000 draws of 50 uniform ranks, at most 5 % and what chance adds are called above chance; with few
    alternatives fewer, as the test is never too bold.
    """
    chance = np.random.default_rng(3)
    called = [exposed(chance.integers(1, among + 1, 50).tolist(), among).above_chance for _ in range(4000)]
    assert np.mean(called) <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / 4000)
    assert among < 1000 or np.mean(called) >= LEVEL - 0.02


@pytest.mark.slow
def test_the_power_is_what_simulated_canaries_show() -> None:
    """Where a share is learned by heart, the test finds it as often as `power` says; at `detectable` that is 0.9."""
    chance, n, among = np.random.default_rng(4), 50, 1000
    share = detectable(n, among)
    assert 0.02 < share < 0.2
    assert power(share, n, among) == pytest.approx(0.9, abs=0.01)
    found = []
    for _ in range(2000):
        ranks = np.where(chance.random(n) < share, 1, chance.integers(1, among + 1, n))
        found.append(exposed(ranks.tolist(), among).above_chance)
    assert np.mean(found) == pytest.approx(0.9, abs=0.03)
    assert detectable(1, 2) == 1.0
    assert detectable(200, among) < share


def test_what_stands_in_the_result() -> None:
    """Mean bits with their interval and n, how many are first, and the p-value; ranks that cannot be are refused."""
    told = exposed([1, 1, 1, 500], 1000)
    assert (told.first, told.bits.n, told.among) == (3, 4, 1000)
    assert told.bits.mean == pytest.approx((3 * math.log2(1000) + 1) / 4)
    assert told.bits.low < told.bits.mean < told.bits.high
    assert told.p < 1e-4
    assert told.above_chance
    assert not exposed([900, 800, 400, 600], 1000).above_chance
    with pytest.raises(ValueError, match="from 1 to"):
        exposed([0], 10)
    with pytest.raises(ValueError, match="from 1 to"):
        exposed([], 10)


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=40), st.floats(-50, 0))
def test_a_rank_is_one_more_than_those_as_likely(others: list[float], canary: float) -> None:
    """From 1 to one more than there are alternatives; adding a less likely one changes nothing, a likelier one all."""
    found = rank(canary, others)
    assert 1 <= found <= len(others) + 1
    assert rank(canary, [*others, canary - 1.0]) == found
    assert rank(canary, [*others, canary + 1.0]) == found + 1
    assert bits(found, len(others) + 1) >= 0.0


@given(st.lists(st.integers(1, 64), min_size=2, max_size=60), st.integers(0, 59))
def test_more_exposure_is_never_less_evidence(ranks: list[int], which: int) -> None:
    """Where one canary is likelier than before, the p-value is at most what it was, and the mean at least."""
    better = list(ranks)
    better[which % len(ranks)] = max(1, better[which % len(ranks)] - 5)
    before, after = exposed(ranks, 64), exposed(better, 64)
    assert after.p <= before.p
    assert after.bits.mean >= before.bits.mean
    assert after.detects == before.detects


def test_power_grows_with_all_that_it_depends_on() -> None:
    """With the share that was learned, with the number of canaries, and with the alternatives of each; a share of
    nothing is found as often as the level says.
    """
    assert power(0.0, 50, 500) == pytest.approx(LEVEL, abs=1e-6)
    assert power(0.05, 50, 500) < power(0.1, 50, 500) < power(0.3, 50, 500) <= 1.0
    assert power(0.1, 20, 500) < power(0.1, 100, 500)
    assert power(0.1, 50, 8) < power(0.1, 50, 500)
