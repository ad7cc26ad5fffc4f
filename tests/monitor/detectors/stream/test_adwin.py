"""ADWIN cuts where its formula says, and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.monitor.detectors.stream.adwin import LEAST, Adwin


def by_the_book(numbers: list[float], delta: float, every: int) -> tuple[list[int], list[float]]:
    """Where a window that keeps each number on its own is cut, trying every cut, and what is left of it."""
    window: list[float] = []
    cuts = []
    for k, x in enumerate(numbers, 1):
        window.append(x)
        if k % every == 0 and _cut(window, delta):
            cuts.append(k)
            while _cut(window, delta):
                window.pop(0)
    return cuts, window


def _cut(window: list[float], delta: float) -> bool:
    n, variance = len(window), float(np.var(window))
    for older in range(LEAST, n - LEAST + 1):
        harmonic = 1 / (1 / older + 1 / (n - older))
        sure = math.log(2 / (delta / math.log(n)))
        limit = math.sqrt(2 / harmonic * variance * sure) + 2 / (3 * harmonic) * sure
        if abs(np.mean(window[:older]) - np.mean(window[older:])) > limit:
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("delta", [0.002, 0.3])
def test_it_cuts_where_the_formula_says(seed: int, delta: float) -> None:
    """With buckets of one number, its cuts and what is left equal those of the formula tried at every place."""
    rng = np.random.default_rng(seed)
    numbers = np.concatenate([rng.beta(2, 5, 60), rng.beta(5, 2, 60), rng.beta(2, 3, 60)]).tolist()
    adwin = Adwin(delta, buckets=1000, every=8)
    cuts = [k for k, x in enumerate(numbers, 1) if adwin.update(x)]
    expected, left = by_the_book(numbers, delta, 8)
    assert cuts == expected
    assert expected
    assert (adwin.window, adwin.mean) == (len(left), pytest.approx(np.mean(left)))


def test_buckets_keep_the_mean_and_the_variance_of_all_numbers() -> None:
    """Whatever was joined to what: count, mean and spread of the window are those of its numbers, in few buckets."""
    numbers = np.random.default_rng(0).random(3000)
    adwin = Adwin(1e-9)
    for x in numbers.tolist():
        adwin.update(x)
    whole = adwin._oldest_first()[0]
    for bucket in adwin._oldest_first()[1:]:
        whole = whole + bucket
    assert (adwin.window, adwin.mean) == (3000, pytest.approx(numbers.mean()))
    assert whole.squares / whole.n == pytest.approx(numbers.var())
    assert adwin.memory <= 5 * (math.log2(3000) + 1)


def test_after_a_jump_the_window_holds_what_is_new() -> None:
    """From 0.3 to 0.7 after 1,000 numbers: cut within 100, and 500 later the mean is the new one."""
    rng = np.random.default_rng(1)
    adwin = Adwin()
    for x in rng.normal(0.3, 0.1, 1000).tolist():
        assert not adwin.update(x)
    delay = next(k for k, x in enumerate(rng.normal(0.7, 0.1, 200).tolist(), 1) if adwin.update(x))
    assert delay <= 100
    for x in rng.normal(0.7, 0.1, 500).tolist():
        adwin.update(x)
    assert adwin.mean == pytest.approx(0.7, abs=0.02)
    assert adwin.window < 1000


def test_an_empty_window_has_no_mean() -> None:
    """Nothing seen, nothing known."""
    assert math.isnan(Adwin().mean)
    assert Adwin().window == 0
