"""Page–Hinkley follows its recursion, in both directions."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.detectors.stream.page_hinkley import PageHinkley


def by_the_book(numbers: list[float], tolerance: float, limit: float, least: int) -> list[int]:
    """Alarms of the sums written out over all numbers since the last one."""
    alarms, since = [], 0
    for k in range(1, len(numbers) + 1):
        x = np.array(numbers[since:k])
        means = np.cumsum(x) / np.arange(1, len(x) + 1)
        up, down = np.cumsum(x - means - tolerance), np.cumsum(x - means + tolerance)
        if len(x) >= least and max(up[-1] - min(0, up.min()), max(0, down.max()) - down[-1]) > limit:
            alarms.append(k)
            since = k
    return alarms


@pytest.mark.parametrize("seed", range(3))
def test_alarms_are_those_of_the_recursion(seed: int) -> None:
    """Up, down and up again: the same alarms as by sums over everything since the last one."""
    rng = np.random.default_rng(seed)
    numbers = (rng.normal(size=600) + np.repeat([0.0, 1.0, -1.0], 200)).tolist()
    detector = PageHinkley(tolerance=0.05, limit=15.0, least=20)
    found = [k for k, x in enumerate(numbers, 1) if detector.update(x)]
    assert found == by_the_book(numbers, 0.05, 15.0, 20)
    assert len(found) >= 2


def test_it_waits_for_its_first_numbers() -> None:
    """No alarm before `least` numbers, however far they jump."""
    detector = PageHinkley(least=30)
    assert not any(detector.update(x) for x in [0.0] * 5 + [1000.0] * 24)
    assert detector.update(1000.0)


def test_a_larger_tolerance_alarms_less() -> None:
    """Where nothing moves, counting only what goes beyond a tenth of a deviation leaves fewer false alarms."""
    x = np.random.default_rng(4).normal(size=20_000).tolist()
    small, large = PageHinkley(tolerance=0.005), PageHinkley(tolerance=0.1)
    assert sum(small.update(v) for v in x) > sum(large.update(v) for v in x)
