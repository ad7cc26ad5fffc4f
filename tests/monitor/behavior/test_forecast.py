"""From how often a behavior was rehearsed to how often it will be seen."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.monitor.behavior.forecast import dispersion, forecast, forecasts
from homeostat.stats.intervals import proportion
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind


@pytest.mark.parametrize(("rate", "n", "live"), [(0.02, 400, 5000), (0.2, 200, 500), (0.005, 400, 20_000)])
def test_the_number_lies_in_its_range_as_often_as_promised(rate: float, n: int, live: int) -> None:
    """In 95 of 100 and little more, though the rate is only known from the sample; the sample's interval of the rate
    alone would hold it less often.
    """
    rng = np.random.default_rng(0)
    inside, alone = [], []
    for _ in range(400):
        told, came = forecast(rng.random(n) < rate, live), rng.binomial(live, rate)
        inside.append(told.low <= came <= told.high)
        alone.append(told.seen.low * live <= came <= told.seen.high * live)
    assert 0.93 < np.mean(inside) <= 1.0
    assert np.mean(inside) >= np.mean(alone) - 0.02


def test_what_comes_in_stretches_is_less_certain() -> None:
    """A behavior that came on some days alone: the range is wider than one of the same number spread evenly."""
    evenly, at_once = np.arange(800) % 20 == 0, (np.arange(800) % 200 < 20) & (np.arange(800) % 2 == 0)
    assert evenly.sum() == at_once.sum() == 40
    steady, bursts = forecast(evenly, 8000), forecast(np.sort(at_once), 8000)
    assert steady.varies == 1.0
    assert bursts.varies > 5
    assert bursts.high - bursts.low > 1.8 * (steady.high - steady.low)
    assert bursts.expected == steady.expected


def test_a_rate_that_varies_from_week_to_week_is_held() -> None:
    """Rates of stretches drawn with a spread of a third: the number that comes lies in the range nearly as often as
    promised, and would not if the sample counted in full.
    """
    rng, inside, plain = np.random.default_rng(1), [], []
    for _ in range(300):
        rates = 0.1 * np.exp(0.35 * rng.normal(size=12))
        told = forecast(np.concatenate([rng.random(100) < rate for rate in rates[:8]]), 400)
        came = sum(rng.binomial(100, rate) for rate in rates[8:])
        inside.append(told.low <= came <= told.high)
        a = 400 * np.array([told.seen.low, told.seen.high])
        plain.append(a[0] <= came <= a[1])
    assert np.mean(inside) > 0.88
    assert np.mean(inside) > np.mean(plain) + 0.1


def test_what_was_never_seen_has_a_bound() -> None:
    """No event in 400 rows: none is expected of 100 requests, up to a few of 1,000 may come."""
    told = forecast(np.zeros(400, bool), 1000)
    assert told.low == 0.0
    assert 3 < told.high < 1000 * proportion(0, 400).high + 3
    assert forecast(np.zeros(400, bool), 0).expected == 0.0
    assert dispersion(np.zeros(10, bool)) == 1.0
    with pytest.raises(ValueError, match="0 rows"):
        forecast([], 10)


def labeled(reply: str, truth: str, k: int) -> Rehearsed:
    row = Interaction(id=f"int_{k}", task="t", time=float(k), text="x", reply="a", version="v", confidence=0.9)
    return Rehearsed(row=row, reply=reply, confidence=0.7, told=truth)


def test_a_label_said_in_the_place_of_others_is_a_behavior_of_its_own() -> None:
    """Said wrongly in 6 of the 30 labeled rows of 60: a fifth of the half of the live requests that will be labeled."""
    rows = [labeled("b" if k < 6 else "a", "a" if k < 30 else "", k) for k in range(60)]
    told = forecasts(rows, Kind.LABEL, 1000)
    assert told["wrongly b"].seen == proportion(6, 30)
    assert told["wrongly b"].live == 500
    assert told["wrongly b"].expected == pytest.approx(500 * 6.5 / 31)
    assert "wrongly a" not in told
    assert "a label that is new" not in told
    assert list(told.values()) == sorted(told.values(), key=lambda one: -one.expected)
