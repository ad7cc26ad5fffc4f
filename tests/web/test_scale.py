from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from homeostat.web import scale

FINITE = st.floats(-1e12, 1e12)


@given(FINITE, st.floats(1e-6, 1e12), st.integers(2, 8))
def test_round_ticks_stay_inside_and_are_few(low: float, width: float, most: int) -> None:
    """Whatever the range, there are at most as many ticks as asked for, in order and inside it."""
    high = low + width
    if high <= low:
        return
    ticks = scale.linear(low, high, most)
    assert len(ticks) <= most
    assert ticks == sorted(ticks)
    slack = 1e-6 * (abs(low) + abs(high) + width)
    assert all(low - slack <= tick <= high + slack for tick in ticks)


@example(293203100740.83997, 0.01)
@given(st.floats(-1e11, 4e11), st.floats(0.01, 1e11))
def test_calendar_ticks_stay_inside_and_are_few(low: float, width: float) -> None:
    """Any range of times, from a moment to millennia, has between one and a dozen ticks inside it."""
    ticks = scale.calendar(low, low + width)
    assert 1 <= len(ticks) <= 12
    slack = 1e-6 * width + 4 * math.ulp(abs(low) + width)
    assert all(low - slack <= tick.at <= low + width + slack for tick in ticks)
    assert all(tick.label for tick in ticks)


def test_the_calendar_says_what_the_span_asks_for() -> None:
    """A year shows months, a day hours, decades years."""
    start = 1_735_689_600.0  # 1 January 2025
    assert [t.label for t in scale.calendar(start, start + 364 * 86_400)][:2] == ["Jan 2025", "Mar"]
    assert "06:00" in [t.label for t in scale.calendar(start + 1, start + 86_000)]
    assert scale.calendar(946_684_800.0, 1_577_836_800.0)[0].label == "2000"


def test_powers_of_ten_are_whole() -> None:
    """A logarithmic axis is labeled at whole powers, thinned to fit."""
    assert [t.label for t in scale.powers(-1.0, 6.2)] == ["1", "100", "10⁴", "10⁶"]


def test_a_range_without_width_is_drawn_apart() -> None:
    """Equal values, or none, still give a range that can be divided by."""
    for values in ([3.0, 3.0], [], [1e18], [float("nan")]):
        low, high = scale.spread(values)
        assert high > low


def test_shares_begin_at_a_round_ten_percent() -> None:
    """An axis of shares ends at 100 % and begins at the ten percent below the least."""
    assert scale.shares([0.71, 0.8]) == (0.7, 1.0)
    assert scale.shares([1.0]) == (0.9, 1.0)
    assert scale.shares([]) == (0.0, 1.0)
