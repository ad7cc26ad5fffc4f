"""The account: levels that sum to alpha, e-values whose mean is 1, few false discoveries, independent or not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import zeta

from homeostat.stats.intervals import mean_interval
from homeostat.stats.online import FALL, LATE, evidence, granted, share

ALPHA, TESTS = 0.05, 60


def test_all_places_together_have_alpha_to_spend() -> None:
    """The shares fall, and those of every place up to 5,000 and of all that come after sum to 1."""
    shares = [share(place) for place in range(1, 5001)]
    rest = float(zeta(FALL, 5001 + LATE) / zeta(FALL, 1 + LATE))
    assert math.fsum(shares) + rest == pytest.approx(1.0, abs=1e-12)
    assert shares == sorted(shares, reverse=True)


def test_a_discovery_raises_every_level_after_it() -> None:
    """At each place more discoveries grant more, never above alpha; without any, at least half of the place's share."""
    for place in (1, 2, 5, 40, 400):
        levels = [granted(place, found, ALPHA) for found in range(place)]
        assert levels == sorted(set(levels))
        assert ALPHA * share(place) / 2 <= levels[0] <= ALPHA * share(place) < ALPHA
        assert levels[-1] <= ALPHA
    assert granted(1, 0, ALPHA) == pytest.approx(ALPHA * share(1))


@pytest.mark.parametrize("place", [1, 2, 7, 60])
def test_the_calibrator_makes_e_values_and_wastes_nothing(place: int) -> None:
    """Integrated over all p-values its mean is 1; it reaches what e-LOND asks for exactly at the level granted."""
    steps = sorted({granted(place, found, ALPHA) for found in range(place)})
    edges = [0.0, *steps, 1.0]
    parts = [(high - low) * evidence((low + high) / 2, place, ALPHA) for low, high in pairwise(edges)]
    assert sum(parts) == pytest.approx(1.0)
    for found in range(place):
        level, asked = granted(place, found, ALPHA), 1 / (ALPHA * share(place) * (found + 1))
        assert evidence(level * (1 - 1e-9), place, ALPHA) >= asked * (1 - 1e-12)
        assert evidence(level * (1 + 1e-9), place, ALPHA) < asked


def false_share(p: np.ndarray, *, account: bool) -> np.ndarray:
    """V / max(R, 1) of each row of p-values, all of which are false discoveries but those of 0."""
    out = []
    for row in p:
        found = false = 0
        for k, value in enumerate(row):
            if value <= (granted(k + 1, found, ALPHA) if account else ALPHA):
                found, false = found + 1, false + (value > 0.0)
        out.append(false / max(found, 1))
    return np.array(out)


@pytest.mark.parametrize("truly", [0.0, 0.2])
@pytest.mark.parametrize("together", [False, True])
def test_few_discoveries_are_false(truly: float, together: bool) -> None:
    """Where tests are independent and where many look at the same, at most 5 % of the discoveries are false on average;
    where each is decided at 5 % by itself, more are.
    """
    rng = np.random.default_rng(5)
    luck = rng.random((400, TESTS))
    if together:  # tens that see the same luck, and tens that see its opposite: not positively dependent
        tens = np.arange(TESTS) // 10
        luck = np.where(tens % 2, 1 - luck[:, tens // 2], luck[:, tens // 2])
    p = np.where(rng.random((400, TESTS)) < truly, 0.0, luck)
    assert mean_interval(false_share(p, account=True)).low <= ALPHA
    assert mean_interval(false_share(p, account=False)).low > ALPHA


REFUSED = [(0, 0, 0.05), (3, 3, 0.05), (3, -1, 0.05), (3, 0, 0.0), (3, 0, 1.0)]


@pytest.mark.parametrize(("place", "found", "alpha"), REFUSED)
def test_what_cannot_be_is_refused(place: int, found: int, alpha: float) -> None:
    """Places from 1, fewer discoveries than tests, a level in between."""
    with pytest.raises(ValueError, match=r"place|discoveries"):
        granted(place, found, alpha)


def test_shares_and_p_values_are_held() -> None:
    """A p-value is one."""
    with pytest.raises(ValueError, match="p-value"):
        evidence(1.5, 1, ALPHA)
    with pytest.raises(ValueError, match="place"):
        share(0)
