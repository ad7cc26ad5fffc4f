"""The exact join, held against comparing every pair."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.curate.near import Near, shingles, similarity

WORDS = tuple("please tell me where my order is and when it will arrive at the new address today".split())  # noqa: SIM905


def variations(n: int, seed: int) -> list[str]:
    """Sentences many of which are alike: words of one sentence dropped, swapped or misspelled."""
    rng = random.Random(seed)
    texts = []
    for _ in range(n):
        words = [word for word in WORDS if rng.random() > 0.04]
        if rng.random() < 0.5:
            words[rng.randrange(len(words))] = str(rng.randrange(100))
        texts.append(" ".join(words))
    return texts


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.9, 1.0])
def test_finds_exactly_the_near_ones(threshold: float) -> None:
    """It finds every pair that reaches the threshold and no other, of texts it knows and of texts it does not."""
    texts = variations(400, seed=3)
    rows = [shingles(text) for text in texts]
    found = list(Near(texts[:150], threshold).each(texts))
    for row, numbers in zip(rows, found, strict=True):
        assert numbers.tolist() == [n for n, o in enumerate(rows[:150]) if similarity(row, o) >= threshold - 1e-12]
    assert sum(map(len, found)) > 150


@given(st.lists(st.text(alphabet="ab ", max_size=12), max_size=12), st.sampled_from([0.0, 0.3, 0.7, 0.9, 1.0]))
def test_short_texts(texts: list[str], threshold: float) -> None:
    """It is exact for texts of any length, shorter than a shingle too; texts that share nothing are never near."""
    rows = [shingles(text) for text in texts]
    for row, numbers in zip(rows, Near(texts, threshold).each(texts), strict=True):
        near = [n for n, other in enumerate(rows) if row & other and similarity(row, other) >= threshold - 1e-12]
        assert numbers.tolist() == near


def test_nothing_known() -> None:
    """Where there are no texts none is near, and where none is asked about none is answered."""
    assert [numbers.tolist() for numbers in Near([], 0.9).each(["a", "b"])] == [[], []]
    assert list(Near(["a"], 0.9).each([])) == []


def test_similarity() -> None:
    """Similarity is shared pieces over all pieces."""
    assert similarity(shingles("same text"), shingles("Same  text!")) == 1.0
    assert similarity(frozenset("abc"), frozenset("bcd")) == 0.5
    assert shingles("hi") == {" hi "}
