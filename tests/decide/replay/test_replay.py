"""What policies would have cost, beside the best possible."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from decide.replay.pasts import aging, past
from homeostat.decide.replay.policies import POLICIES, Prices
from homeostat.decide.replay.replay import ORACLE, oracle, outcome, replay
from homeostat.errors import UnknownPlugin


def cost(history: object, prices: Prices, models: list[int]) -> float:
    return outcome(history, prices, "", models, looks=False).cost  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
def test_no_schedule_costs_less_than_the_oracle(seed: int) -> None:
    """Of all 128 schedules of eight steps, on histories at random, the dynamic program finds the cheapest."""
    rng = np.random.default_rng(seed)
    made = past(rng.uniform(0.2, 1.0, (8, 8)), requests=rng.uniform(10, 300, 8).tolist(), seed=seed)
    prices = Prices(retraining=float(rng.uniform(0, 80)), per_wrong=float(rng.uniform(0.5, 2)))
    every = []
    for buys in product((False, True), repeat=7):
        models = [0]
        for t, bought in enumerate(buys, 1):
            models.append(t if bought else models[-1])
        every.append(cost(made, prices, models))
    assert cost(made, prices, oracle(made, prices)) == pytest.approx(min(every))


def test_costs_are_wrong_replies_and_retrainings() -> None:
    """Counted by hand: never, and always, with and without the price of looking."""
    made = past(aging(4, 0.1, best=1.0), rows=2000)
    lost = float((100.0 * (1 - made.quality[0])).sum())
    prices = Prices(retraining=7.0, per_wrong=2.0, look=1.5)
    never, always, value, best = replay(made, prices, ["never", "always", "value"])
    assert (never.cost, never.retrained) == (pytest.approx(2 * lost), ())
    assert always.cost == pytest.approx(3 * 7.0)
    assert always.retrained == (86_400.0, 2 * 86_400.0, 3 * 86_400.0)
    assert value.cost == pytest.approx(value.wrong * 2.0 + 7.0 * len(value.retrained) + 4 * 1.5)
    assert best.policy == ORACLE
    assert (best.regret, best.ratio) == (0.0, 1.0)
    assert never.regret == pytest.approx(never.cost - best.cost)
    assert never.quality == pytest.approx(1 - lost / 400)


def test_no_policy_knows_the_future() -> None:
    """Whatever happens after a step, what served until then is the same."""
    before = past(aging(12, 0.05), rows=100)
    for name in POLICIES:
        changed = past(aging(12, 0.05), rows=100)
        changed.right[:, changed.step > 6] = 0.0
        first, second = (replay(one, Prices(retraining=20.0), [name])[0].course[:7] for one in (before, changed))
        assert first == second


PRICES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
CALENDARS = ("daily", "weekly", "monthly")


def ratios(quality: np.ndarray) -> dict[str, list[float]]:
    """Policy -> its cost in units of the oracle's at each of seven prices."""
    found: dict[str, list[float]] = {}
    for price in PRICES:
        for each in replay(past(quality, rows=200, told=0.3), Prices(retraining=price), ["value", *CALENDARS]):
            found.setdefault(each.policy, []).append(each.ratio)
    return found


def test_value_is_near_the_oracle_where_models_age_evenly() -> None:
    """Within 6 % at every price of a 64-fold range, where each calendar is off by 30 % or more at some."""
    found = ratios(aging(48, 0.01))
    assert max(found["value"]) < 1.06
    assert all(max(found[name]) > 1.3 for name in CALENDARS)


def test_value_costs_at_most_twice_as_much_where_the_world_jumps() -> None:
    """What the theory allows where a loss comes all at once, and less on average than any calendar."""
    age = np.arange(48) // 12
    found = ratios(aging(48, 0.0) - 0.25 * (age[None] > age[:, None]))
    assert max(found["value"]) < 2.0
    assert np.mean(found["value"]) < min(np.mean(found[name]) for name in CALENDARS)


def test_an_unknown_policy() -> None:
    """It is refused with the nearest that there is."""
    with pytest.raises(UnknownPlugin) as caught:
        replay(past(aging(4, 0.1)), Prices(retraining=1.0), ["montly"])
    assert "monthly" in caught.value.fix
