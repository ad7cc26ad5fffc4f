"""Pairs of sentences of which one is right."""

from __future__ import annotations

from collections import Counter

from homeostat.evaluate.grammar import pairs


def test_neither_length_nor_position_tells() -> None:
    """Both sentences have as many words; pairs are distinct; no paradigm is more than a third of all."""
    made = pairs()
    assert all(len(good.split()) == len(bad.split()) and good != bad for good, bad, _ in made)
    assert len({(good, bad) for good, bad, _ in made}) == len(made) >= 150
    assert max(Counter(kind for _, _, kind in made).values()) <= len(made) / 3


def test_the_frequency_of_words_hardly_tells() -> None:
    """Whoever prefers the sentence with the more frequent words, by the right sentences themselves, is right of less
    than what counting runs of words gives on BLiMP.
    """
    made = pairs()
    counts = Counter(word for good, bad, _ in made for word in (good + " " + bad).lower().split())
    said = [sum(counts[w] for w in g.lower().split()) - sum(counts[w] for w in b.lower().split()) for g, b, _ in made]
    assert sum(one > 0 for one in said) / len(made) < 0.612
