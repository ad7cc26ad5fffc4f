"""Policies of retraining, each by what it goes by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decide.replay.pasts import aging, past
from homeostat.decide.replay.policies import DAY, POLICIES, Look, Periodic, Prices
from homeostat.decide.replay.replay import serve

PRICES = Prices(retraining=30.0)


def retrained(name: str, quality: np.ndarray, prices: Prices = PRICES, **more: float) -> list[int]:
    """Before which steps a policy retrained."""
    models = serve(past(quality, rows=400, **more), prices, POLICIES[name])  # type: ignore[arg-type]
    return sorted(set(models) - {0})


def test_never_and_always() -> None:
    """At no step, and before each but the first."""
    assert retrained("never", aging(8, 0.1)) == []
    assert retrained("always", aging(8, 0.0)) == list(range(1, 8))


def test_a_calendar_goes_by_time_alone() -> None:
    """Weekly over a month of days, whether or not anything is lost."""
    assert retrained("weekly", aging(29, 0.0)) == [7, 14, 21, 28]
    assert retrained("weekly", aging(29, 0.0), days=3.5) == list(range(2, 29, 2))
    look = Look(time=DAY, since=0.0, requests=1, served=np.ones(1), fresh=np.ones(1), alarm=False)
    assert Periodic(seconds=DAY).retrain(replace(look, time=DAY - 20))
    assert not Periodic(seconds=DAY).retrain(replace(look, time=DAY - 60))


def test_drift_goes_by_alarms_alone() -> None:
    """At the step after an alarm of the detector that the model in service started."""
    made = past(aging(8, 0.0))
    made.alarms[0, 3] = made.alarms[4, 5] = made.alarms[2, 6] = True
    assert sorted(set(serve(made, PRICES, POLICIES["drift"]))) == [0, 4, 6]


def test_a_drop_is_measured_from_when_the_model_was_new() -> None:
    """Five points of a smoothed accuracy; a model that is poor from the start is not retrained for that."""
    assert retrained("performance", aging(12, 0.0, best=0.4)) == []
    found = retrained("performance", aging(12, 0.03))
    assert 2 <= len(found) <= 4


def test_excess_adds_up_to_the_price() -> None:
    """Ten points more wrong with every step, a hundred requests each: 10 + 20 pays 30 after the third step."""
    assert retrained("excess", aging(7, 0.1))[0] in (3, 4)
    assert retrained("excess", aging(7, 0.1), Prices(retraining=1e9)) == []


def test_the_rental_is_paid_until_it_has_cost_the_skis() -> None:
    """What a fresh model would have won adds up to the price, then a new one is there and counting begins again."""
    found = retrained("value", aging(13, 0.1))
    assert found[0] in (3, 4)
    assert 3 <= len(found) <= 4
    assert np.diff(found).max() - np.diff(found).min() <= 1


def test_a_gain_that_is_none_is_not_bought() -> None:
    """Where a fresh model is no better, whatever was lost since the start, value waits; excess does not."""
    falling = np.tile(np.linspace(0.9, 0.3, 12), (12, 1))
    assert retrained("value", falling) == []
    assert len(retrained("excess", falling)) >= 2


@pytest.mark.parametrize("name", ["value", "square-root"])
def test_the_price_decides_how_often(name: str) -> None:
    """A dearer retraining is done less often; one for nothing always, one for ever never."""
    counts = [len(retrained(name, aging(40, 0.03), Prices(retraining=c))) for c in (1.0, 10.0, 100.0, 1000.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 3 * counts[2] > 0
    assert len(retrained(name, aging(10, 0.05), Prices(retraining=0.0))) == 9
    assert retrained(name, aging(10, 0.05), Prices(retraining=float("inf"))) == []


def test_nothing_is_read_from_no_labels() -> None:
    """A step of which no label is told says nothing: no policy that goes by labels retrains, and none breaks."""
    for name in ("performance", "excess", "value", "square-root"):
        assert retrained(name, aging(6, 0.1), told=0.0) == []
    look = Look(time=0.0, since=0.0, requests=9, served=np.zeros(0), fresh=np.zeros(0), alarm=False)
    assert look.gain == 0.0


def test_gains_are_of_one_head_beside_another() -> None:
    """Where the model in service is none, a frozen head stands for it; where it is one, it stands for itself."""
    look = Look(time=0.0, since=0.0, requests=9, served=np.zeros(4), fresh=np.array([1.0, 1, 1, 0]), alarm=0.0)
    assert look.gain == 0.75
    assert replace(look, frozen=np.array([1.0, 1, 0, 0])).gain == 0.25
    assert replace(look, frozen=look.fresh).gain == 0.0


def test_rules_that_go_by_gains_see_heads_and_rules_that_go_by_losses_see_what_answers() -> None:
    """Heads age, what answers does not: who goes by gains retrains, who goes by falls does not. Or the other way."""
    aged, young = past(aging(20, 0.05), rows=400), past(aging(20, 0.0), rows=400)
    still = replace(young, heads=aged.right)
    worse = replace(aged, heads=young.right)
    for name, of_heads in (("value", True), ("square-root", True), ("performance", False), ("excess", False)):
        counts = [len(set(serve(one, PRICES, POLICIES[name])) - {0}) for one in (still, worse)]
        assert (counts[0] > 0) is of_heads, name
        assert (counts[1] > 0) is not of_heads, name


def test_an_alarm_of_any_height_is_one() -> None:
    """`drift` asks whether, and not how far."""
    made = past(aging(8, 0.0))
    levels = np.zeros((8, 8))
    levels[0, 3] = 1.001
    assert sorted(set(serve(replace(made, alarms=levels), PRICES, POLICIES["drift"]))) == [0, 4]
