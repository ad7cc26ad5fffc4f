"""Rows nobody can learn from, and rows that contradict each other."""

from __future__ import annotations

from homeostat.curate.clean import clean, settle
from homeostat.types.dataset import Example
from homeostat.types.task import Kind


def row(text: str, target: str, time: float = 0.0) -> Example:
    return Example(text=text, target=target, time=time)


def test_clean() -> None:
    """Texts are tidied; rows that are empty or too long are dropped."""
    rows = [row(" cafÃ©\x00 ", " a "), row(" \n ", "a"), row("x", "\u200b"), row("x" * 8001, "a"), row("y", "l" * 201)]
    assert clean(rows, Kind.LABEL) == [row("café", "a")]


def test_long_replies() -> None:
    """A reply may be longer than a label."""
    assert len(clean([row("y", "l" * 201)], Kind.TEXT)) == 1


def test_settle() -> None:
    """Of contradicting labels of one text the newest stands; rows that agree with it stay."""
    rows = [row("Hello!", "a", 1), row("hello", "b", 2), row("HELLO", "b", 1.5), row("other", "a", 0)]
    assert settle(rows, [], Kind.LABEL) == rows[1:]


def test_settle_with_memory() -> None:
    """A late label for an old request does not overturn what a newer request taught; at the same moment it does."""
    assert settle([row("hello", "a", 1)], [row("Hello", "b", 2)], Kind.LABEL) == []
    assert settle([row("hello", "a", 2)], [row("Hello", "b", 2)], Kind.LABEL) == [row("hello", "a", 2)]


def test_settle_replies() -> None:
    """One request may have several good replies."""
    rows = [row("hello", "Hi!", 1), row("hello", "Good day.", 2)]
    assert settle(rows, [], Kind.TEXT) == rows
