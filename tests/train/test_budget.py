"""What a run takes, and what it may take."""

from __future__ import annotations

import time

import pytest

from homeostat.train.budget import Budget, Clock, Spent

HOUR = Spent(seconds=7200.0, cpu_seconds=3600.0)
ON_GPUS = HOUR.of_all(helped=3600.0, processes=2, device="cuda")


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


@pytest.mark.parametrize(
    ("budget", "reached"),
    [
        (Budget(watt_hours=1230.0), "watt_hours"),
        (Budget(watt_hours=1231.0), ""),
        (Budget(watt_hours=1230.0, gpu_watts=299.0), ""),
        (Budget(money=8.2), "money"),
        (Budget(money=8.21), ""),
        (Budget(money=8.21, price_per_gpu_hour=2.01), "money"),
        (Budget(money=2.0, price_per_gpu_hour=0.0, price_per_cpu_hour=1.0), "money"),
    ],
)
def test_gpus_and_other_processes_count(budget: Budget, reached: str) -> None:
    """Two processes that held a GPU each for two hours, and a CPU each for one: 4 × 300 W and 2 × 15 W for an hour, and
    4 × 2.00 and 2 × 0.10 of money.
    """
    assert (ON_GPUS.gpu_seconds, ON_GPUS.cpu_seconds) == (4 * 3600.0, 2 * 3600.0)
    assert HOUR.of_all(helped=0.0, processes=2, device="cpu") == HOUR
    assert budget.reached(ON_GPUS, 0.0) == reached


def test_prices_of_the_project_hold_where_the_budget_has_none() -> None:
    """One that is given stays, 0 too."""
    assert Budget(money=1.0).priced(0.3, 4.0) == Budget(money=1.0, price_per_cpu_hour=0.3, price_per_gpu_hour=4.0)
    own = Budget(money=1.0, price_per_cpu_hour=0.0, price_per_gpu_hour=1.0)
    assert own.priced(0.3, 4.0) == own


def test_a_clock_goes_on() -> None:
    """What was taken before an interruption counts, the interruption does not."""
    clock = Clock(HOUR)
    time.sleep(0.01)
    spent = clock.spent()
    assert 7200.01 <= spent.seconds < 7210
    assert 3600.0 <= spent.cpu_seconds < 3610
