"""Quiet hours, periods and spans of time."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.decide.hours import PERIODS, hours, period, quiet_until, span, stretches, zone

MOMENTS = st.floats(1.6e9, 1.9e9)
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def until(moment: str, *texts: str) -> str:
    """When quiet hours end; empty where it is not quiet."""
    found = quiet_until([hours(text) for text in texts], at(moment), UTC)
    return f"{datetime.fromtimestamp(found, UTC):%m-%d %H:%M}" if found else ""


def test_a_night() -> None:
    """Hours that pass midnight are quiet on both sides of it."""
    assert until("2026-11-22T23:00", "22:00-06:00") == "11-23 06:00"
    assert until("2026-11-22T05:59", "22:00-06:00") == "11-22 06:00"
    assert until("2026-11-22T06:00", "22:00-06:00") == ""
    assert until("2026-11-22T21:59", "22:00-06:00") == ""


def test_working_days_and_weekends() -> None:
    """Days are those on which a stretch begins; whole days need no hours; stretches that touch are one."""
    assert until("2026-11-23T12:00", "Mon-Fri 08:00-18:00") == "11-23 18:00"
    assert until("2026-11-22T12:00", "Mon-Fri 08:00-18:00") == ""  # a Sunday
    assert until("2026-11-21T12:00", "Sat,Sun") == "11-23 00:00"
    assert until("2026-11-21T12:00", "Sat", "Sun 00:00-06:00") == "11-22 06:00"
    assert until("2026-11-23T02:00", "Sun 22:00-06:00") == "11-23 06:00"
    assert until("2026-11-24T02:00", "Sun 22:00-06:00") == ""
    assert hours("Sat-Mon").days == (0, 5, 6)


def test_dates_of_one_year_and_of_every_year() -> None:
    """Both ends belong to a range; one without years comes back and may pass New Year; hours go with dates."""
    holidays = "12-24 - 01-02"
    assert until("2026-12-24T00:00", holidays) == until("2027-12-31T09:00", holidays) == "01-03 00:00"
    assert until("2026-12-23T23:59", holidays) == until("2027-01-03T00:00", holidays) == ""
    assert until("2026-12-26T12:00", "2026-12-24 - 2026-12-26") == "12-27 00:00"
    assert until("2027-12-25T12:00", "2026-12-24 - 2026-12-26") == ""
    assert until("2026-12-24T13:00", "12-24 12:00-24:00", "12-25") == "12-26 00:00"
    assert until("2026-12-24T11:00", "12-24 12:00-24:00", "12-25") == ""
    assert until("2026-12-26T01:00", "12-25 20:00-02:00") == "12-26 02:00"
    assert until("2028-02-29T10:00", "02-29") == "03-01 00:00"
    assert until("2026-12-25T10:00", "12-25 mon-thu") == ""  # a Friday


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("02-30", "no such date"),
        ("2027-02-29 - 2027-03-01", "no such date"),
        ("2026-12-24 - 01-02", "has a year and the other has none"),
        ("2026-12-24 - 2026-12-01", "ends before it begins"),
        ("12-24 noon", "no day of the week"),
        ("24.12.", "not a stretch"),
    ],
)
def test_dates_that_are_none(text: str, what: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(ValueError, match=what):
        hours(text)


@given(MOMENTS)
def test_quiet_ends_where_it_is_quiet_no_more(moment: float) -> None:
    """The end lies ahead, and at it none of the stretches holds."""
    stretches = [hours("Mon-Fri 08:00-18:00"), hours("22:00-06:00"), hours("Sun")]
    end = quiet_until(stretches, moment, BERLIN)
    assert end == 0.0 or end > moment
    assert not end or quiet_until(stretches, end, BERLIN) == 0.0


def test_a_zone_has_its_own_evening() -> None:
    """Eight in the evening in Berlin is quiet there while it is not yet in London."""
    evening = at("2026-11-22T19:30")
    assert quiet_until([hours("20:00-22:00")], evening, BERLIN) == at("2026-11-22T21:00")
    assert quiet_until([hours("20:00-22:00")], evening, UTC) == 0.0
    assert (zone("utc"), zone("Europe/Berlin")) == (UTC, BERLIN)


@given(MOMENTS, st.sampled_from(PERIODS))
def test_periods_follow_each_other(moment: float, per: str) -> None:
    """A moment lies in its period, and where that ends the next begins."""
    start, end = period(per, moment, BERLIN)
    assert start <= moment < end
    assert period(per, end, BERLIN)[0] == end


def test_periods_of_the_calendar() -> None:
    """A week begins on Monday, a quarter with January, April, July or October."""
    day = at("2026-11-22T12:00")
    firsts = {per: f"{datetime.fromtimestamp(period(per, day, UTC)[0], UTC):%Y-%m-%d}" for per in PERIODS}
    assert firsts == {
        "day": "2026-11-22",
        "week": "2026-11-16",
        "month": "2026-11-01",
        "quarter": "2026-10-01",
        "year": "2026-01-01",
    }


def test_spans() -> None:
    """As people write them; nothing is no time at all."""
    assert (span("1d12h"), span("30min"), span("2w"), span("")) == (129_600.0, 1800.0, 1_209_600.0, 0.0)
    for text in ("soon", "3", "7 days or so"):
        with pytest.raises(ValueError, match="not a span of time"):
            span(text)


@pytest.mark.parametrize("text", ["", "night", "25:00-26:00", "08:00", "Mom 08:00-09:00", "08:00-08:00", "08:70-09:00"])
def test_what_are_no_hours(text: str) -> None:
    """Words, hours that no day has, days that no week has, and no stretch at all."""
    with pytest.raises(ValueError, match=r"not a stretch|no such time|no day|ends when"):
        hours(text)


def test_what_is_no_zone() -> None:
    """Neither a name that is not known nor a folder of names."""
    for name in ("Europe/Berln", "Europe", "../etc"):
        with pytest.raises(ValueError, match="no time zone"):
            zone(name)


def test_quiet_hours_that_never_end_are_none() -> None:
    """Together they may be long, and must leave a moment in the year."""
    for texts in (["Mon-Sun"], ["00:00-12:00", "12:00-24:00"], ["01-01 - 12-31"], ["Mon-Thu", "Fri-Sun"]):
        with pytest.raises(ValueError, match="is always"):
            stretches(texts)
    assert len(stretches(["02-01 - 01-30", "2026-01-01 - 2028-12-31", "22:00-06:00"])) == 3
    assert stretches([]) == ()
