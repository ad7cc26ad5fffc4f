"""Values of a line on one history."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from decide.replay.pasts import aging, past
from homeostat.decide.replay.policies import DAY, Drop, Periodic, Prices
from homeostat.decide.replay.replay import replay_made
from homeostat.decide.replay.whatif import Case, calendar, tried, wanted
from homeostat.errors import WrongType


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("cost=10,20,40", ["10", "20", "40"]),
        ("a.hold=1..9", ["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
        ("a.hold=1..3", ["1", "2", "3"]),
        ("a.drop=0.1..0.5", ["0.1", "0.15", "0.2", "0.25", "0.3", "0.35", "0.4", "0.45", "0.5"]),
        ("cost=1.0..256", ["1", "2", "4", "8", "16", "32", "64", "128", "256"]),
        ("a.schedule=every 2..3 weeks", ["every 2 weeks", "every 3 weeks"]),
        ('a.schedule=["0 3 1,15 * *", every week]', ["0 3 1,15 * *", "every week"]),
        ("a.objective=[true, 0.9]", ["true", "0.9"]),
        ("drift=1e3..1.0e6", ["1000", "2370", "5620", "13300", "31600", "75000", "178000", "422000", "1000000"]),
    ],
)
def test_values_of_a_line(text: str, values: list[str]) -> None:
    """Lists as they stand; ranges in nine steps, multiples where the ends lie far apart, with the words around them."""
    assert wanted(text) == (text.partition("=")[0], values)


@pytest.mark.parametrize("text", ["cost", "cost=", "cost=5", "=1,2", "cost=1,,2", "cost=3..3", "cost=[1,", "cost=7,7"])
def test_what_is_no_line_of_values(text: str) -> None:
    """Two values that differ are the least; the message shows how it is written."""
    with pytest.raises(WrongType, match="not a line and two values") as caught:
        wanted(text)
    assert text in caught.value.where


def drops(points: list[float], price: float = 20.0) -> list[Case]:
    made = past(aging(24, 0.02), rows=200)
    return [
        Case(
            value=f"{one:g}",
            history=made,
            prices=Prices(retraining=price),
            make=lambda prices, one=one: Drop(points=one),  # type: ignore[misc]
            in_force=one == 0.05,
        )
        for one in points
    ]


def test_a_higher_line_retrains_more_seldom_and_there_is_a_best_one() -> None:
    """Quality falls by two points a step: the lower the line, the more retrainings. Between too many and too few lies
    the cheapest value, and both ends cost more; the oracle and the calendar are the same for all.
    """
    found = tried("any.drop", "steady", drops([0.01, 0.05, 0.1, 0.2, 0.4], 60.0))
    counts = [len(each.outcome.retrained) for each in found.tries]
    assert all(low >= high for low, high in pairwise(counts))
    assert counts[0] > 2 * counts[-2] > 0
    assert found.best.value in ("0.05", "0.1")
    assert found.best.outcome.cost < min(found.tries[0].outcome.cost, found.tries[-1].outcome.cost)
    assert len({each.oracle.cost for each in found.tries}) == len({each.calendar.cost for each in found.tries}) == 1
    assert all(each.oracle.cost <= each.calendar.cost for each in found.tries)
    assert [each.value for each in found.tries if each.in_force] == ["0.05"]


def test_the_calendar_is_the_best_of_all() -> None:
    """None of any number of steps costs less, and its name says how long it is."""
    made, prices = past(aging(24, 0.02), rows=200), Prices(retraining=20.0)
    best = calendar(made, prices)
    every = {f"{k}": lambda p, k=k: Periodic(seconds=k * DAY) for k in range(1, 24)}
    assert best.cost == min(each.cost for each in replay_made(made, prices, every)[:-1])  # type: ignore[arg-type]
    days = float(best.policy.removeprefix("every ").removesuffix(" days"))
    assert len(best.retrained) == (24 - 1) // days


def test_what_was_best_in_the_first_half_is_asked_in_the_second() -> None:
    """Nothing ages for half of the time, then everything does: who chooses by the first half never retrains, and pays
    for it in the second.
    """
    quality = aging(24, 0.0)
    quality[:12, 12:] = 0.3
    made, prices = past(quality, rows=100), Prices(retraining=20.0)
    cases = [
        Case(value=f"{days}", history=made, prices=prices, make=lambda p, days=days: Periodic(days * DAY))  # type: ignore[misc]
        for days in (2, 40)
    ]
    halves = tried("calendar", "calendar", cases).halves
    assert halves is not None
    assert (halves.chosen, halves.best) == ("40", "2")
    assert halves.cost > halves.least + 300


def test_halves_add_up_and_prices_are_not_mixed() -> None:
    """What a policy cost in the two halves is what it cost; where values are prices there is nothing to choose."""
    found = tried("any.drop", "steady", drops([0.05, 0.1]))
    for each in found.tries:
        assert sum(each.halves) == pytest.approx(each.outcome.cost)
    priced = tried("cost", "yaml", [drops([0.05], price)[0] for price in (5.0, 80.0)])
    assert priced.halves is None
    assert np.diff([each.oracle.cost for each in priced.tries])[0] > 0
