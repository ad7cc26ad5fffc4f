"""What a run takes, and what it may take."""

from __future__ import annotations

import time

import pytest

from homeostat.train.budget import Budget, Clock, Spent

HOUR = Spent(seconds=7200.0, cpu_seconds=3600.0)


@pytest.mark.parametrize(
    ("budget", "reached"),
    [
        (Budget(), ""),
        (Budget(seconds=7200), "seconds"),
        (Budget(seconds=7201), ""),
        (Budget(flops=1e9), "flops"),
        (Budget(watt_hours=15.0), "watt_hours"),
        (Budget(watt_hours=15.0, watts=14.0), ""),
        (Budget(money=0.1), "money"),
        (Budget(money=0.1, price_per_cpu_hour=0.05), ""),
        (Budget(flops=1e10, money=0.01, watt_hours=1.0), "watt_hours"),
    ],
)
def test_limits(budget: Budget, reached: str) -> None:
    """The first limit that two hours of wall-clock time, one of a CPU and 2 GFLOP reach; none where none is set."""
    assert budget.reached(HOUR, 2e9) == reached


def test_a_clock_goes_on() -> None:
    """What was taken before an interruption counts, the interruption does not."""
    clock = Clock(HOUR)
    time.sleep(0.01)
    spent = clock.spent()
    assert 7200.01 <= spent.seconds < 7210
    assert 3600.0 <= spent.cpu_seconds < 3610
    assert 0.01 <= clock.here < 10
