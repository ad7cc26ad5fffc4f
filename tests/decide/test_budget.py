"""What a policy may take, and what is left of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.decide.budget import KEPT_S, Book, Booking, Given, booked, budget, lacks, spent

NOVEMBER = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
DAY = 86_400.0
NONE = Given(0, 0.0)


def booking(turn: str, days_ago: float = 0.0, money: float = 3.0, cpu_hours: float = 1.0) -> Booking:
    return Booking(turn=turn, task="routing", time=NOVEMBER - days_ago * DAY, money=money, cpu_hours=cpu_hours)


def test_what_is_left_of_each_kind() -> None:
    """Retrainings, money and hours of this month's turns; labels of this month, which cost money too."""
    limits = budget({"money": 20, "cpu_hours": 5, "labels": 100, "retrainings": 4, "per": "month"})
    book = (booking("a"), booking("b", days_ago=10), booking("c", days_ago=25))
    left = limits.left(book, Given(30, 3.0), NOVEMBER, UTC)
    assert left == pytest.approx({"money": 11.0, "cpu_hours": 3.0, "labels": 70.0, "retrainings": 2.0})
    assert budget({"retrainings": 4}).left(book, Given(30, 3.0), NOVEMBER + 12 * DAY, UTC) == {"retrainings": 4.0}
    assert budget({"retrainings": 1}).left(book, NONE, NOVEMBER, UTC) == {"retrainings": 0.0}


def test_hours_of_gpus_have_a_limit_of_their_own() -> None:
    """What trainings held a GPU for counts, and whoever needs none is not kept by it; other words are no retraining."""
    limits = budget({"gpu_hours": 5, "retrainings": 2})
    trained = replace(booking("a"), gpu_hours=4.5)
    left = limits.left((trained, replace(booking("b"), retrainings=0.0)), NONE, NOVEMBER, UTC)
    assert left == {"gpu_hours": 0.5, "retrainings": 1.0}
    assert lacks(left, {"gpu_hours": 0.6}) == "gpu_hours"
    spent_up = limits.left((replace(trained, gpu_hours=9.0),), NONE, NOVEMBER, UTC)
    assert (spent(spent_up), lacks(spent_up, {"gpu_hours": 0.0})) == ("", "")


def test_what_fits() -> None:
    """Exactly what is left does, a little more does not; what has no limit always does."""
    assert lacks({"money": 3.0}, {"money": 3.0, "labels": 1e9}) == ""
    assert lacks({"money": 3.0, "retrainings": 0.0}, {"money": 2.0, "retrainings": 1.0}) == "retrainings"
    assert lacks({"money": 3.0}, {"money": 3.01}) == "money"
    assert lacks({"money": 3.0}, {"money": float("inf")}) == "money"
    assert (spent({"money": 0.1, "retrainings": 0.0}), spent({"money": 0.1, "labels": 0.0})) == ("retrainings", "")


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 800)), max_size=30))
def test_a_book_has_each_turn_once(turns: list[tuple[int, float]]) -> None:
    """Booking a turn again replaces it, and what is older than any period is forgotten."""
    book: Book = ()
    for turn, ago in sorted(turns, key=lambda one: -one[1]):
        book = booked(book, booking(f"trn_{turn}", days_ago=ago))
    assert len({one.turn for one in book}) == len(book)
    assert all(one.time > book[-1].time - KEPT_S for one in book)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"monney": 3}, "did you mean 'money'"),
        ({"money": -1}, "0 or more"),
        ({"labels": "few"}, "0 or more"),
        ({"money": 3, "per": "mont"}, "did you mean 'month'"),
    ],
)
def test_what_is_no_budget(values: dict[str, object], told: str) -> None:
    """A kind or a period that there is not, with the nearest that there is; a limit that is none."""
    with pytest.raises(ValueError, match=told):
        budget(values)
