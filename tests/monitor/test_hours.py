"""Windows are made alike in their hours, by lot within each hour, or it is said why not."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from homeostat.errors import BadWindow
from homeostat.monitor.hours import Hours, Matched, matched
from monitor.desk import said

HOUR_S, DAY_S = 3_600.0, 86_400.0
MONDAY = 2_800 * 7 * DAY_S + 4 * DAY_S
"""A Monday at 0:00, in seconds since 1970, which began with a Thursday."""
LEAST = 30


def log(days: range, per_hour: dict[int, int], first: int = 0) -> list:
    """Requests of these days, so many in each hour of the day; their number is their id."""
    times = [MONDAY + day * DAY_S + hour * HOUR_S + k for day in days for hour, n in per_hour.items() for k in range(n)]
    return [said(first + k, "?", time=time) for k, time in enumerate(times)]


def hours(rows, by: float = 168) -> Counter:
    """How many requests there are of each hour of the week, or of the day."""
    return Counter(int(row.time // HOUR_S % by) for row in rows)


def same_hours(found: Matched, by: float = 168) -> bool:
    """Whether both windows hold all hours in one proportion."""
    before, now = hours(found.reference, by), hours(found.current, by)
    return before.keys() == now.keys() and len({before[k] / now[k] for k in now}) == 1


def test_two_days_beside_the_weeks_before_them() -> None:
    """Of three weeks the hours of two days are kept, as many for each current request in every hour; the sentence says
    of how many, and nothing differs any more.
    """
    reference, current = log(range(21), {9: 24, 20: 12}), log(range(21, 23), {9: 12, 20: 6}, 5_000)
    found = matched(reference, current, Hours.AUTO, least=LEAST)
    assert found.hours is Hours.WEEK
    assert same_hours(found)
    assert (len(found.reference), len(found.current)) == (216, 36)
    assert "216 of 756 requests before and 36 of 36 now" in found.says
    assert found.caution == ""
    assert [row.time for row in found.reference] == sorted(row.time for row in found.reference)


def test_where_the_days_are_others_the_hours_of_the_day() -> None:
    """Saturday and Sunday beside Monday to Friday: night is not compared with day, and a caution is left."""
    reference, current = log(range(5), {3: 2, 9: 12}), log(range(5, 7), {3: 12, 9: 12}, 5_000)
    found = matched(reference, current, Hours.AUTO, least=LEAST - 20)
    assert found.hours is Hours.DAY
    assert same_hours(found, 24)
    assert "hours of the day are matched" in found.says
    assert "other days of the week" in found.caution


def test_where_no_hour_is_common_all_is_compared_with_a_caution() -> None:
    """Mornings beside evenings."""
    reference, current = log(range(5), {9: 10}), log(range(5, 7), {20: 20}, 5_000)
    found = matched(reference, current, Hours.AUTO, least=LEAST)
    assert (found.hours, found.says) == (Hours.ANY, "")
    assert (len(found.reference), len(found.current)) == (50, 40)
    assert "other hours of the week" in found.caution


def test_windows_of_the_same_hours_stay_whole() -> None:
    """A week beside the next one: nothing is left out, and nothing to be said."""
    reference, current = (
        log(range(7), dict.fromkeys(range(24), 2)),
        log(range(7, 14), dict.fromkeys(range(24), 2), 5_000),
    )
    found = matched(reference, current, Hours.AUTO, least=LEAST)
    assert (found.hours, found.says, found.caution) == (Hours.ANY, "", "")
    assert (list(found.reference), list(found.current)) == (reference, current)


def test_it_can_be_turned_off() -> None:
    """All requests, and the caution that was there before."""
    reference, current = log(range(21), {9: 24, 20: 12}), log(range(21, 23), {9: 30}, 5_000)
    found = matched(reference, current, Hours.ANY, least=LEAST)
    assert (found.hours, len(found.reference), len(found.current)) == (Hours.ANY, 756, 60)
    assert "other hours of the week" in found.caution


@pytest.mark.parametrize(
    ("asked", "reference", "current", "words"),
    [
        (Hours.WEEK, range(5), range(5, 7), "hours of the week of 0% of the current ones only"),
        (Hours.WEEK, range(6), range(5, 8), "hours of the week of 67% of the current ones only"),
    ],
)
def test_who_insists_is_told_why_not(asked: Hours, reference: range, current: range, words: str) -> None:
    """How much of the current window the reference has, how much it takes, and what to write instead."""
    with pytest.raises(BadWindow, match=words) as told:
        matched(log(reference, {9: 30}), log(current, {9: 30}, 5_000), asked, least=LEAST)
    assert "95% are the least" in str(told.value)
    assert "@day" in told.value.fix


def test_too_few_that_are_left_are_told() -> None:
    """One request of each hour in the reference: twenty-four are no window."""
    with pytest.raises(BadWindow, match="25 requests before and 175 now are left: too few") as told:
        matched(
            log(range(1), dict.fromkeys(range(24), 1) | {3: 17}),
            log(range(1, 2), dict.fromkeys(range(24), 15), 5_000),
            Hours.DAY,
            least=LEAST,
        )
    assert "@any" in told.value.fix


def test_without_times_there_is_nothing_to_match() -> None:
    """Rows of files may have none: all are compared, and who insists is told."""
    rows = [said(k, "?", time=0.0) for k in range(100)]
    found = matched(rows[:50], rows[50:], Hours.AUTO, least=LEAST)
    assert (found.hours, found.says, found.caution) == (Hours.ANY, "", "")
    with pytest.raises(BadWindow, match="not known when"):
        matched(rows[:50], rows[50:], Hours.WEEK, least=LEAST)


def test_lots_fall_within_the_hours_and_on_all_requests_alike() -> None:
    """Over 300 seeds each request of an hour is kept as often as the others of it; the same seed keeps the same."""
    reference, current = log(range(1), {9: 40, 20: 10}), log(range(7, 8), {9: 10, 20: 20}, 5_000)
    kept = Counter(
        row.id for seed in range(300) for row in matched(reference, current, Hours.DAY, least=10, seed=seed).reference
    )
    nine = np.array([kept[row.id] for row in reference[:40]])
    assert nine.std() < 2.5 * np.sqrt(300 * nine.mean() / 300 * (1 - nine.mean() / 300))
    assert nine.min() > 0
    again = [matched(reference, current, Hours.DAY, least=10, seed=3).reference for _ in range(2)]
    assert again[0] == again[1]
