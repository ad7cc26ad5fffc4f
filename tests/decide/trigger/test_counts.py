"""Triggers that count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.trigger.sights import signal, stands
from homeostat.decide.trigger.counts import Enough, enough, labels, manual, requests


@given(st.integers(1, 1000), st.integers(0, 2000))
def test_so_many_are_enough(wanted: int, there: int) -> None:
    """Labels and requests hold from their number on, and say how many there are of how many."""
    for standing in (stands(labels(wanted), labels=there), stands(requests(wanted), requests=float(there))):
        assert standing.holds == (there >= wanted)
        assert standing.says.startswith(f"{there:,} of {wanted:,} new")


def test_a_signal_makes_fewer_labels_enough() -> None:
    """As many as a decision needs after a signal, ten times as many without one."""
    assert stands(Enough(), labels=30, min_labels=30, signals=(signal(),)).holds
    assert not stands(Enough(), labels=299, min_labels=30).holds
    assert stands(Enough(), labels=300, min_labels=30).holds


def test_only_by_hand() -> None:
    """`manual` holds when a person asks, and at no other time."""
    assert not stands(manual(True), labels=10**6).holds
    assert stands(manual(True), manual=True).holds


@pytest.mark.parametrize("value", [0, -3, 1.5, "many", True, None])
def test_what_is_no_number(value: object) -> None:
    """Less than one, a part of one, and words are refused with what was wanted."""
    for make in (labels, requests):
        with pytest.raises(ValueError, match="must be a number of"):
            make(value)


@pytest.mark.parametrize("make", [enough, manual])
def test_what_is_not_true(make: object) -> None:
    """Whoever does not want a trigger leaves it out."""
    with pytest.raises(ValueError, match="must be true"):
        make(False)  # type: ignore[operator]
