"""One account for many candidates: at which level each of them is tested, so that few of those found better are not.

Tests that come one after another, without end and each decided at once, as in e-LOND (Xu and Ramdas 2024, 2311.06412):
the t-th may spend a fixed share of alpha, times the number of discoveries if it becomes one. Its proof asks nothing of
what the tests have to do with each other, only that each brings an e-value: evidence whose mean is at most 1 where
there is nothing to discover. A p-value is made one by a calibrator, which is chosen here so that nothing is lost beyond
the very levels that may be granted; the levels are then those of LOND with a reshaping (Zrnic, Ramdas and Jordan 2021,
JMLR 22:33), of another shape than usual.
"""

from __future__ import annotations

import math

from scipy.special import zeta

FALL, LATE = 1.5, 1.0
"""Share of alpha that the t-th test may spend: proportional to (t + LATE) ** -FALL."""
KEPT = 0.5
"""Part of the calibrator that is spent on the level without discoveries, which is therefore never lower than this part
of what a fixed schedule would grant; the rest is spread over all numbers of discoveries, as 1 / number."""


def share(place: int) -> float:
    """The share of alpha that the test at this place may spend, from 1; over all places they sum to 1.

    Raises:
        ValueError: a place below 1.
    """
    if place < 1:
        raise ValueError(f"place {place}")
    return float((place + LATE) ** -FALL / zeta(FALL, 1.0 + LATE))


def granted(place: int, found: int, alpha: float) -> float:
    """The level of the test at this place, with so many discoveries before it; never above alpha.

    Whatever the tests have to do with each other: if every test without anything to discover has a p-value (it is below
    u with probability at most u), then of those that were discovered by any moment a share of at most alpha is false
    on average.

    Raises:
        ValueError: more discoveries than tests before, or an alpha outside (0, 1).
    """
    _hold(place, alpha)
    if not 0 <= found < place:
        raise ValueError(f"{found} discoveries before test {place}")
    return min(alpha, alpha * share(place) * _reshaped(found + 1, place))


def evidence(p: float, place: int, alpha: float) -> float:
    """The e-value of a p-value at a place: its mean is at most 1 where p is a p-value.

    It is at least `1 / (alpha * share(place) * (found + 1))`, what e-LOND asks for, exactly where p is at most
    `granted(place, found, alpha)`, apart from the cap at alpha.

    Raises:
        ValueError: p is not in [0, 1], or as `granted`.
    """
    _hold(place, alpha)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"p-value {p}")
    unit = alpha * share(place)
    for discoveries in range(1, place + 1):
        if p <= unit * _reshaped(discoveries, place):
            return 1.0 / (unit * discoveries)
    return 0.0


def _reshaped(discoveries: int, place: int) -> float:
    """What takes the place of the number of discoveries in LOND: the sum of j nu(j) up to it, nu being how the
    calibrator is spread over the numbers 1 to `place`.
    """
    return KEPT + (1.0 - KEPT) * discoveries / math.fsum(1.0 / j for j in range(1, place + 1))


def _hold(place: int, alpha: float) -> None:
    if place < 1 or not 0.0 < alpha < 1.0:
        raise ValueError(f"place {place} at level {alpha}")
