"""Which version is best: the best one is hardly ever called beaten, whatever the traffic does and however one looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from homeostat.stats.eprocess import GRID, Betting
from homeostat.stats.race import beaten, difference, lead, leads, level

RIGHT = np.array([0.0, 1.0])
ALPHA = 0.05


def drawn(
    rng: np.random.Generator, rates: NDArray[np.float64], weights: tuple[float, ...], runs: int, n: int
) -> NDArray[np.float64]:
    """float64[runs, k, 2]: how many of n units each version had, wrong and right; `rates` is float64[k]."""
    had = rng.multinomial(n, weights, runs)
    right = rng.binomial(had, rates)
    return np.stack([had - right, right], axis=-1).astype(np.float64)


def pairwise(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Units of every version against every other, where none has left."""
    return np.repeat(counts[..., :, None, :], counts.shape[-2], axis=-2)


def test_the_bets_are_those_of_eprocess() -> None:
    """With even chances, wealth is that of `Betting` on outcome less center, turned round for the one behind; half of
    it on the center that is given, a tenth on each of five others.
    """
    values, ahead, behind, wealth = np.array([0.0, 0.3, 1.0]), np.array([3, 2, 9]), np.array([8, 1, 4]), 0.0
    for center, part in {0.6: 0.5, 0.1: 0.1, 0.3: 0.1, 0.5: 0.1, 0.7: 0.1, 0.9: 0.1}.items():
        bets = Betting(0.0, grid=tuple(stake / 1.5 for stake in GRID))
        bets.take(np.concatenate([np.repeat(values - center, ahead), np.repeat(center - values, behind)]))
        wealth += part * bets.value
    assert lead(values, ahead, behind, center=0.6) == pytest.approx(math.log(wealth))


def test_the_best_is_hardly_ever_beaten_though_traffic_moves_and_one_looks_all_the_time() -> None:
    """Four alike, uneven shares, quality that falls from 0.95 to 0.4 and rises again, 40 looks: of 600 runs at most a
    twentieth call the first one beaten, where tests of two shares at each look do so in more than a fifth.
    """
    rng, runs, weights = np.random.default_rng(1), 600, (0.4, 0.3, 0.2, 0.1)
    counts, ever, naive = np.zeros((runs, 4, 2)), np.zeros(runs, bool), np.zeros(runs, bool)
    for look in range(40):
        rate = 0.675 + 0.275 * math.cos(2 * math.pi * look / 40)
        counts += drawn(rng, np.full(4, rate), weights, runs, 50)
        found = beaten(leads(RIGHT, pairwise(counts), weights, center=0.8))
        ever |= found[:, 0] >= -math.log(ALPHA)
        had, right = np.maximum(counts.sum(axis=-1), 1.0), counts[..., 1]
        pooled = (right[:, 0] + right[:, 1:].T) / (had[:, 0] + had[:, 1:].T)
        spread = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * (1 / had[:, 0] + 1 / had[:, 1:].T))
        z = (right[:, 1:].T / had[:, 1:].T - right[:, 0] / had[:, 0]) / spread
        naive |= (z > stats.norm.isf(ALPHA / 3)).any(axis=0)
    assert stats.binomtest(int(ever.sum()), runs, ALPHA, alternative="greater").pvalue > 0.01
    assert naive.mean() > 0.2 > ALPHA > ever.mean()


def test_the_worse_are_beaten_and_soon() -> None:
    """0.9 beside 0.8 twice: within 2,500 units both are beaten in nine of ten runs or more, the best in none of 300."""
    rng, weights = np.random.default_rng(2), (1 / 3, 1 / 3, 1 / 3)
    counts = drawn(rng, np.array([0.9, 0.8, 0.8]), weights, 300, 2500)
    found = beaten(leads(RIGHT, pairwise(counts), weights, center=0.8)) >= -math.log(ALPHA)
    assert found[:, 1:].all(axis=1).mean() >= 0.9
    assert not found[:, 0].any()


def test_an_interval_of_a_difference_holds_at_every_look() -> None:
    """Five points apart, shares of 0.3 and 0.7, 12 looks: in at most a twentieth of 2,000 runs does either end ever
    pass the truth; the ends are where the bets show as much, and come closer.
    """
    rng, runs, counts = np.random.default_rng(3), 2000, np.zeros((2000, 2, 2))
    out, enough = np.zeros(runs, bool), -math.log(ALPHA / 2)
    widths = []
    for _ in range(12):
        counts += drawn(rng, np.array([0.85, 0.8]), (0.3, 0.7), runs, 200)
        ours, theirs = counts[:, 0], counts[:, 1]
        out |= lead(RIGHT, ours, theirs, chance=0.3, center=0.8, by=0.05) >= enough
        out |= lead(RIGHT, theirs, ours, chance=0.7, center=0.8, by=-0.05) >= enough
        found = difference(RIGHT, ours[0], theirs[0], chance=0.3, center=0.8, alpha=ALPHA)
        at_end = lead(RIGHT, ours[0], theirs[0], chance=0.3, center=0.8, by=found.low)
        assert at_end == pytest.approx(enough, abs=1e-3)
        widths.append(found.high - found.low)
    assert stats.binomtest(int(out.sum()), runs, ALPHA, alternative="greater").pvalue > 0.01
    assert widths[-1] < widths[0] / 2
    assert found.n == 2400


def test_scores_between_wrong_and_right_count_as_they_are() -> None:
    """Continuous outcomes with the same mean: 400 runs, hardly ever beaten; with a tenth more it is found."""
    rng, outs = np.random.default_rng(4), [0, 0]
    values = np.linspace(0.0, 1.0, 41)
    for _ in range(200):
        counts = [
            np.bincount(np.round(40 * rng.beta(*ab, 400)).astype(int), minlength=41) for ab in ((6, 4), (3, 2), (7, 3))
        ]
        outs[0] += lead(values, counts[0], counts[1], center=0.6) >= -math.log(ALPHA)
        outs[1] += lead(values, counts[2], counts[1], center=0.6) >= -math.log(ALPHA)
    assert outs[0] <= 0.05 * 200 + 8
    assert outs[1] >= 190


def test_a_mean_with_its_interval() -> None:
    """It holds the truth at the last look of nearly all runs; of nothing it is everything."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        right = int(rng.binomial(500, 0.9))
        found = level(RIGHT, [500 - right, right], alpha=ALPHA)
        held += found.low <= 0.9 <= found.high
        assert found.high - found.low < 0.16
    assert held >= 95
    nothing = level([], [])
    assert (nothing.low, nothing.high, nothing.n) == (0.0, 1.0, 0)
    nothing = difference([], [], [], chance=0.5, center=0.5)
    assert (round(nothing.low, 5), round(nothing.high, 5), nothing.n) == (-1.0, 1.0, 0)


@pytest.mark.parametrize("more", [{"chance": 0.0}, {"center": 1.5}, {"by": 1.0}, {"values": [0.0, 1.1]}])
def test_what_is_out_of_range_is_refused(more: dict[str, object]) -> None:
    """Chances, centers, differences and values."""
    asked = {"values": [0.0, 1.0], **more}
    with pytest.raises(ValueError, match="out of its range"):
        lead(asked.pop("values"), [1, 1], [1, 1], **asked)  # type: ignore[arg-type]
