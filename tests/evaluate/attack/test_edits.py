"""Words of a text, and what may stand for them."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.errors import UnknownPlugin
from homeostat.evaluate.attack.edits import MOST, USUAL, Edit, capitals, words_of
from homeostat.evaluate.suites.disturb import misspellings

TEXT = "Please help: my card's limit (2 500) is wrong, isn't it?"


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_text_is_put_together_again() -> None:
    """Marks, numbers and spaces stay where they are, whatever is replaced, in whatever order."""
    words = words_of(TEXT, USUAL, 0.2, random())
    assert [TEXT[a:b] for a, b in words.spans] == [
        "Please", "help", "my", "card's", "limit", "is", "wrong", "isn't", "it",
    ]  # fmt: skip
    assert words.put([]) == TEXT
    edits = [Edit(6, "incorrect"), Edit(1, "assist")]
    assert words.put(edits) == "Please assist: my card's limit (2 500) is incorrect, isn't it?"
    assert words.lacking(4, edits) == "Please assist: my card's  (2 500) is incorrect, isn't it?"


@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.2, 1), (0.34, 3), (1 / 3, 3), (1.0, 9)])
def test_no_more_words_than_allowed(share: float, most: int) -> None:
    """The share of the words, rounded down; three ninths are three."""
    assert words_of(TEXT, USUAL, share, random()).most == most


def test_kinds_of_edits() -> None:
    """Slips of the keyboard are bounded and drawn alike for one seed; capitals are one edit; unknown kinds are told."""
    words = words_of("transferring help", ("letters",), 1.0, random())
    assert len(words.others[0]) == MOST
    assert set(words.others[0]) < set(misspellings("transferring"))
    assert words == words_of("transferring help", ("letters",), 1.0, random())
    assert words_of("ab I CD", ("capitals",), 1.0, random()).others == (("AB",), (), ())
    assert capitals("I") == capitals("USA") == []
    with pytest.raises(UnknownPlugin, match="letters"):
        words_of("a", ("letter",), 1.0, random())


def test_slips_are_one_slip_away() -> None:
    """The first letter stays, the length changes by one at most, no slip gives the word back."""
    found = misspellings("refund")
    assert len(found) == len(set(found)) == 20
    assert all(word[0] == "r" and abs(len(word) - 6) <= 1 and word != "refund" for word in found)
    assert misspellings("may") == misspellings("x86-64") == []
