"""A request is turned into its opposite, or stays as it is."""

from __future__ import annotations

import pytest

from homeostat.evaluate.suites.disturb import NAMES, TURNING, disturbed


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("I want my money back", "I do not want my money back"),
        ("we really need a new card", "we do not really need a new card"),
        ("I would like to cancel", "I do not like to cancel"),
        ("Cancel my order", "Do not cancel my order"),
        ("please send it again", "please do not send it again"),
        ("My card is blocked", "My card is not blocked"),
        ("The parcel will arrive today", "The parcel will not arrive today"),
        ("I don't want it", "I want it"),
        ("Do not close the account", "Close the account"),
        ("My card isn't working", "My card is working"),
        ("You can never pay here", "You can pay here"),
        ("Is it not there", "Is it there"),
    ],
)
def test_a_no_is_put_in_or_taken_out(text: str, turned: str) -> None:
    """The same each time."""
    assert disturbed(text, "negated") == turned


@pytest.mark.parametrize("text", ["", "?", "Where is my parcel?", "how can I pay", "refund", "帮我取消订单", "note it"])
def test_what_has_no_opposite_stays(text: str) -> None:
    """Questions for a place or a way, single words, other languages; a note is no not."""
    assert disturbed(text, "negated") == text


def test_nobody_is_trained_on_it() -> None:
    """As its label would be wrong."""
    assert not TURNING & set(NAMES)
