"""Features of what was asked say what they claim, also of texts without words, letters or ASCII."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.monitor.features.text import (
    CHARACTERS,
    COLUMNS,
    NON_ASCII,
    RARITY,
    SCRIPT,
    WORDING,
    WORDS,
    script_of,
    wording,
    words_of,
)
from monitor.desk import desk, manual, said


def of(feature, *texts, known=()):
    """The values of a feature in these texts."""
    return feature.of([said(k, text) for k, text in enumerate(texts)], [said(k, text) for k, text in enumerate(known)])


def test_lengths() -> None:
    """Characters as Python counts them, words without punctuation."""
    assert of(CHARACTERS, "Hello, you!", "", "日本").tolist() == [11.0, 0.0, 2.0]
    assert of(WORDS, "Hello, you!", "", "¡¿!").tolist() == [2.0, 0.0, 0.0]
    assert words_of("Don't PANIC") == ["don", "t", "panic"]


def test_share_outside_ascii() -> None:
    """In percent of the characters; unknown of an empty text."""
    found = of(NON_ASCII, "abcd", "aññb", "")
    assert found[:2].tolist() == [0.0, 50.0]
    assert math.isnan(found[2])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("where is my parcel", "LATIN"),
        ("где моя посылка", "CYRILLIC"),
        ("我的包裹在哪里", "CJK"),
        ("أين طردي", "ARABIC"),
        ("मेरा पार्सल", "DEVANAGARI"),
        ("mein Paket Ж", "LATIN"),
        ("12:30 !!! 🙂", ""),
        ("\ud800", ""),
    ],
)
def test_the_script_of_most_letters(text: str, script: str) -> None:
    """As Unicode names the letters; nothing where there are none."""
    assert script_of(text) == script
    assert of(SCRIPT, text).tolist() == [script]


def test_rarity_is_bits_per_word_against_the_known() -> None:
    """With a b a c known (half a count added, and one word more than there are), by hand; unknown without words."""
    whole = 4 + (3 + 1) / 2
    found = of(RARITY, "a", "a z", "", known=["a b", "a c"])
    assert found[0] == pytest.approx(-math.log2(2.5 / whole))
    assert found[1] == pytest.approx((-math.log2(2.5 / whole) - math.log2(0.5 / whole)) / 2)
    assert math.isnan(found[2])


def test_another_domain_is_rarer() -> None:
    """Sentences about a programming library hold rarer words than new messages to the same desk: ranked above 95 %."""
    known, new = desk()[:800], desk()[800:1200]
    own, other = (RARITY.of(rows, known) for rows in (new, [said(k, text) for k, text in enumerate(manual()[:300])]))
    assert np.mean(other[:, None] > own[None]) > 0.95


def test_wording_is_of_length_one_and_forgets_order() -> None:
    """The same words are the same vector; a text without words has none."""
    found = wording(["the cat sat", "sat the CAT", "dogs", "?!"])
    assert found.shape == (4, COLUMNS)
    assert np.linalg.norm(found[:3], axis=1) == pytest.approx(1.0)
    assert (found[0] == found[1]).all()
    assert found[0] @ found[2] == pytest.approx(0.0)
    assert np.isnan(found[3]).all()
    assert wording([]).shape == (0, COLUMNS)


def test_wording_keeps_likeness() -> None:
    """Products of hashed vectors are those of exact word counts but for what shares a column: 0.06 off on average."""
    texts = [row.text for row in desk()[:120]]
    vocabulary = sorted({word for text in texts for word in words_of(text)})
    column = {word: k for k, word in enumerate(vocabulary)}
    exact = np.zeros((len(texts), len(vocabulary)))
    for row, text in zip(exact, texts, strict=True):
        for word in words_of(text):
            row[column[word]] += 1
    exact = np.log1p(exact)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    hashed = WORDING.of([said(k, text) for k, text in enumerate(texts)], ())
    off = hashed @ hashed.T - exact @ exact.T
    assert np.abs(off).mean() < 0.06
    assert abs(off.mean()) < 0.02  # what collides has signs, and does not add up


def test_half_an_emoji_is_a_text_too() -> None:
    """A text that UTF-8 cannot hold has features like any other."""
    assert np.isfinite(of(WORDING, "broken \ud83d text")).all()
    assert of(CHARACTERS, "\ud83d").tolist() == [1.0]
