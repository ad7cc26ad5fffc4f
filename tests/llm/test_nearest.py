"""The texts most like a text."""

from __future__ import annotations

import numpy as np

from homeostat.llm.nearest import Nearest, NearestStates

TEXTS = (
    "where is my parcel",
    "the pump leaks water",
    "please refund my money",
    "the pump makes a noise",
    "my parcel is late",
)


def test_the_most_alike_come_first() -> None:
    """By rare words more than by common ones; what shares nothing is left out."""
    known = Nearest.of(TEXTS)
    assert known.find("parcel late again", 2) == [4, 0]
    assert set(known.find("noise of the pump", 2)) == {1, 3}
    assert known.find("qqq zzz", 3) == []
    assert known.find("", 3) == []


def test_a_text_finds_itself() -> None:
    """Of five hundred made of random words, each is nearest to itself, misspelled or not."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(200)]
    texts = [" ".join(rng.choice(words, 6, replace=False)) for _ in range(500)]
    known = Nearest.of(texts)
    assert all(known.find(text, 1) == [k] for k, text in enumerate(texts[:40]))
    assert sum(known.find(text[:5] + "x" + text[6:], 1) == [k] for k, text in enumerate(texts[:40])) == 40


def test_states_are_compared_in_what_they_differ_in() -> None:
    """Of states that have a large part in common and one loud direction that says nothing, each is nearest to those of
    its own kind; by the plain angle it is not.
    """
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 4, 300)
    states = rng.normal(0, 0.3, (300, 16))
    states[:, :4] += np.eye(4)[kinds]
    states[:, 15] *= 60.0
    states += 40.0
    known = NearestStates.of(states[:200])
    same = [np.mean(kinds[known.find(state, 4)] == kind) for state, kind in zip(states[200:], kinds[200:], strict=True)]
    unit = states / np.linalg.norm(states, axis=1, keepdims=True)
    plain = [np.mean(kinds[np.argsort(-unit[:200] @ unit[k])[:4]] == kinds[k]) for k in range(200, 300)]
    assert np.mean(same) > 0.75 > 0.55 > np.mean(plain)
    assert known.find(states[3], 1) == [3]
