"""Which known word is meant."""

from __future__ import annotations

import pytest

from homeostat.collect.spelling import meant

KNOWN = frozenset({"billing", "delivery", "Tax"})


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("biling", "billing"),
        ("blilling", "billing"),
        ("BILLING", "billing"),
        ("tax", "Tax"),
        ("delivery_delay", ""),
        ("fax", ""),
        ("", ""),
    ],
)
def test_the_nearest_word_if_it_is_near(word: str, known: str) -> None:
    """A letter more, less or moved in a word of some length, and any capitals."""
    assert meant(word, KNOWN) == known


def test_nothing_is_near_where_nothing_is_known() -> None:
    """No words, no guess."""
    assert meant("billing", ()) == ""
