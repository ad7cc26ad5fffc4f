"""The calendar as a trigger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.trigger.sights import DAY, NEW_YEAR, sight, stands
from homeostat.decide.trigger.schedule import Cron, Every, fired, following, later, schedule
from homeostat.decide.trigger.sight import Past

BERLIN = ZoneInfo("Europe/Berlin")
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def matching(field: str, low: int, high: int) -> set[int]:
    """The numbers that one field of a cron expression stands for, read by hand."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or (high if step else first)) + 1, int(step or 1)))
    return found


def by_hand(expression: str, after: datetime) -> datetime:
    """The next minute that an expression matches, by trying one after the other (POSIX: of two days either will do)."""
    fields = expression.split()
    sets = [matching(field, *limits) for field, limits in zip(fields, FIELDS, strict=True)]
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while True:
        day, week = moment.day in sets[2], moment.isoweekday() % 7 in sets[4]
        fits = (day or week) if fields[2] != "*" and fields[4] != "*" else (day and week)
        if moment.month not in sets[3] or not fits:
            moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
        elif moment.hour not in sets[1]:
            moment = (moment + timedelta(hours=1)).replace(minute=0)
        elif moment.minute not in sets[0]:
            moment += timedelta(minutes=1)
        else:
            return moment


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    """Fields of an expression: all, one, a span, every so many."""
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
    return st.one_of(st.just("*"), number.map(str), span, st.integers(1, 12).map(lambda n: f"*/{n}"))


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), st.sampled_from(["*", "1", "1-5", "0"])),
    st.floats(NEW_YEAR, NEW_YEAR + 500 * DAY),
)
def test_cron_is_what_it_is_everywhere(parts: tuple[str, ...], after: float) -> None:
    """The next moment is the one that a person finds who tries minute after minute."""
    expression = " ".join(parts)
    by_trying = by_hand(expression, datetime.fromtimestamp(after, UTC))
    assert following(schedule(expression).expression, after, UTC) == by_trying.timestamp()  # type: ignore[union-attr]


def test_cron_in_a_zone() -> None:
    """Two in the morning in Berlin is one in the morning in UTC in winter, and midnight in summer."""
    for month, hour in ((1, 1), (7, 0)):
        after = datetime(2026, month, 10, 12, tzinfo=UTC).timestamp()
        assert datetime.fromtimestamp(following("0 2 * * *", after, BERLIN), UTC).hour == hour


def test_a_moment_counts_once() -> None:
    """Due from its moment on, however late one looks; not again before the next, once it has fired."""
    nightly = schedule("0 2 * * *")
    assert stands(nightly).holds
    assert stands(nightly).says == "due since 2026-01-01 02:00"
    after = stands(nightly, Past(fired=NEW_YEAR + 10 * DAY))
    assert (after.holds, after.next, after.says) == (False, NEW_YEAR + 10 * DAY + 7200, "next at 2026-01-11 02:00")


def test_every_so_often() -> None:
    """Counted from the last retraining or the last time it fired; seconds early count as then."""
    weekly = schedule("every week")
    assert stands(weekly).holds
    assert not stands(weekly, Past(fired=NEW_YEAR + 4 * DAY)).holds
    assert stands(weekly, Past(fired=NEW_YEAR + 3 * DAY + 20)).holds
    assert not stands(weekly, time=NEW_YEAR + 6 * DAY).holds
    assert schedule("every 3 months") == schedule("every  3 to 3 months") == Every(3, 3, "month")
    assert schedule("every 3-6 months") == schedule("every 3 to 6 months") == Every(3, 6, "month")


@given(st.floats(NEW_YEAR, NEW_YEAR + 3000 * DAY), st.integers(1, 40), st.sampled_from(["month", "year"]))
def test_months_of_the_calendar(since: float, n: int, unit: str) -> None:
    """The same day and hour so many months on, or the last day of a month that is too short."""
    start, end = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(later(since, n, unit, UTC), UTC)
    months = n * (12 if unit == "year" else 1)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    tomorrow = (end + timedelta(days=1)).day
    assert end.day == start.day or (end.day < start.day and tomorrow == 1)
    assert (end.hour, end.minute) == (start.hour, start.minute)


def test_a_length_that_grows_and_shrinks() -> None:
    """`every 3 to 6 months`: longer each time when nothing came of it, shorter when a better version did."""
    quarterly, past = schedule("every 3 to 6 months"), Past()
    assert isinstance(quarterly, Every)
    lengths = []
    for champion in ("a", "a", "a", "a", "b", "c", "d"):
        past = fired(past, sight(champion=champion))
        lengths.append(quarterly.length(past.pace))
    assert lengths == [3, 4, 6, 6, 4, 3, 3]


@pytest.mark.parametrize(
    "value", ["0 2 * *", "61 * * * *", "0 0 30 2 *", "every fortnight", "every 6 to 3 months", "every 0 days", 5, None]
)
def test_what_is_no_schedule(value: object) -> None:
    """Four fields, a minute that no hour has, a day that never comes, a unit that there is not."""
    with pytest.raises(ValueError, match=r"must|matches|unit"):
        schedule(value)


def test_a_cron_expression_is_kept_as_it_is() -> None:
    """Spaces aside."""
    assert schedule(" 0  2 * * 1-5 ") == Cron("0 2 * * 1-5")
