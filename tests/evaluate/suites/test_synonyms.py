"""Everyday words for each other: whole words, written as they were, and none that changes what is asked for."""

from __future__ import annotations

import pytest

from homeostat.curate.text import key
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.evaluate.suites.synonyms import known, synonyms


@pytest.mark.parametrize(
    ("word", "others"),
    [("help", ["assist"]), ("Help", ["Assist"]), ("HELP", ["ASSIST"]), ("helpful", []), ("card", []), ("", [])],
)
def test_what_may_stand_for_a_word(word: str, others: list[str]) -> None:
    """In the letters of the word; things that requests are told apart by have none."""
    assert synonyms(word) == others


def test_the_list_goes_both_ways() -> None:
    """What stands for a word may be replaced by it; no word stands for itself."""
    assert all(word in known()[other] and other != word for word, others in known().items() for other in others)
    assert len(known()) > 250


def test_a_text_is_reworded() -> None:
    """One word in five is another, the rest is as it was; what has no such word stays."""
    text = "Please help me, I want to buy a big phone for my kids tomorrow"
    found = disturbed(text, "reworded")
    before, after = text.split(), found.split()
    changed = [(a.strip(",").lower(), b.strip(",").lower()) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == round(0.2 * len(before))
    assert all(b in known()[a] for a, b in changed)
    assert disturbed("reset my password", "reworded") == "reset my password"
    assert key(found) != key(text)
