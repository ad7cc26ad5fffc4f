"""A search by itself: what it wants to know, and what it makes of the answers."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.evaluate.attack.edits import Edit, words_of
from homeostat.evaluate.attack.search import TOGETHER, WAYS, Ask, Found, Hunt, Peek, Told

TEXT = "please help me with the wrong answer that the movie gave"


def hunt(share: float = 0.4, queries: int = 1000) -> Hunt:
    random = np.random.default_rng(0)
    words = words_of(TEXT, ("words",), share, random)
    return Hunt(words, "a", queries, Told("a", -0.1), random)


def driven(how: str, one: Hunt, flips: set[str]) -> tuple[Found | None, list[str]]:
    """A search against who says `b` once all of these words stand in a text, and is less sure with each of them."""
    search, asked = WAYS[how](one), list[str]()
    want = next(search)
    try:
        while True:
            if isinstance(want, Peek):
                want = search.send([-float(len(flips & set(other.split()))) for other in want.others])
                continue
            asked += want.texts
            there = [len(flips & set(text.split())) for text in want.texts]
            want = search.send([Told("b" if n == len(flips) else "a", -0.1 - n) for n in there])
    except StopIteration as end:
        return end.value, asked


@pytest.mark.parametrize("how", ["greedy", "guided"])
def test_edits_are_added_up(how: str) -> None:
    """Three words that break only together are found one after the other, and nothing besides is replaced."""
    found, _ = driven(how, hunt(), {"assist", "incorrect", "film"})
    assert found is not None
    assert {edit.word for edit in found.edits} == {"assist", "incorrect", "film"}
    assert found.text == "please assist me with the incorrect answer that the film gave"
    assert found.said == "b"


def test_greedy_tries_each_word_first() -> None:
    """Only words that something may stand for, once each; then the worst together, then what else may stand there."""
    one = hunt()
    search = WAYS["greedy"](one)
    want = next(search)
    assert isinstance(want, Ask)
    assert len(want.texts) == len(one.words.editable) == 5
    assert want.texts[:2] == [TEXT.replace("please", "pls"), TEXT.replace("help", "assist")]
    want = search.send([Told("a", -1.0 - k) for k in range(5)])
    assert isinstance(want, Ask)
    assert want.texts == ["please assist me with the incorrect reply that the film gave"]
    want = search.send([Told("a", -9.0)])
    assert isinstance(want, Ask)
    assert want.texts == ["kindly help me with the incorrect reply that the film gave"]


def test_chance_is_smaller_afterwards() -> None:
    """It replaces as many words as may be, and puts back those that need not have been; no text is asked twice."""
    found, asked = driven("blind", hunt(), {"film"})
    assert found is not None
    assert found.edits == (Edit(9, "film"),)
    assert len(asked) == len(set(asked))


def test_a_gradient_asks_a_few_at_a_time() -> None:
    """The likeliest first; where none helps, it ends after all that there is."""
    one = hunt(share=0.1)
    found, asked = driven("guided", one, {"film", "never"})
    assert found is None
    assert asked[0] == TEXT.replace("movie", "film")
    assert len(asked) == sum(map(len, one.words.others))
    assert len(asked) > TOGETHER


@pytest.mark.parametrize("how", sorted(WAYS))
def test_queries_end_every_search(how: str) -> None:
    """No more are asked than are left, whatever is still to be tried."""
    one = hunt(queries=4)
    found, asked = driven(how, one, {"never"})
    assert found is None
    assert len(asked) == 4 - one.left <= 4
    assert one.left == 0 or how == "guided"  # where nothing makes any difference, it has seen all there is
