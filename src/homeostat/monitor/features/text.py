"""Features of what was asked: how long, in which script, in which words. Standard library and numpy alone.

A script is told by what Unicode knows of every letter; `language` tells languages apart that share one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

import numpy as np

from homeostat.monitor.features.feature import Feature, Floats, Labels, Rows, Shape

COLUMNS = 256
"""Columns of `wording`: words that share one are told apart by the others of their text."""
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.lower())


def script_of(text: str) -> str:
    """The script that most letters of a text are of, as Unicode calls it (`LATIN`, `CYRILLIC`, `CJK`); empty without
    any letter.
    """
    found = Counter(_script(letter) for letter in text if letter.isalpha())
    return found.most_common(1)[0][0] if found else ""


def wording(texts: Iterable[str], columns: int = COLUMNS) -> Floats:
    """Which words texts hold, float64[rows, columns] of length 1; NaN where a text has none.

    Each word is counted in the column that its hash names, with a sign that its hash gives too, so that words which
    share a column do not add up on average (Weinberger et al. 2009, 0902.2206). No vocabulary is kept.
    """
    out = [np.zeros(columns)]
    for text in texts:
        row = np.zeros(columns)
        for word, n in Counter(words_of(text)).items():
            hashed = crc32(word.encode("utf-8", "surrogatepass"))
            row[hashed % columns] += math.log1p(n) * (1 if hashed >> 31 else -1)
        out.append(row)
    found = np.array(out[1:]).reshape(-1, columns)
    length = np.sqrt(np.square(found).sum(axis=1, keepdims=True))
    return np.where(length > 0, found / np.maximum(length, 1e-12), np.nan)


@lru_cache(maxsize=8192)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


def _characters(rows: Rows, known: Rows) -> Floats:
    return np.array([len(row.text) for row in rows], dtype=np.float64)


def _words(rows: Rows, known: Rows) -> Floats:
    return np.array([len(words_of(row.text)) for row in rows], dtype=np.float64)


def _non_ascii(rows: Rows, known: Rows) -> Floats:
    return np.array([100 * sum(c > "\x7f" for c in r.text) / len(r.text) if r.text else math.nan for r in rows])


def _scripts(rows: Rows, known: Rows) -> Labels:
    return np.array([script_of(row.text) for row in rows], dtype=np.str_)


def _rarity(rows: Rows, known: Rows) -> Floats:
    """Per row, the mean of -log2 of its words' shares among the known rows, half a count added for what is unseen."""
    counts = Counter(word for row in known for word in words_of(row.text))
    whole = counts.total() + (len(counts) + 1) / 2

    def bits(words: list[str]) -> float:
        return -sum(math.log2((counts[word] + 0.5) / whole) for word in words) / len(words) if words else math.nan

    return np.array([bits(words_of(row.text)) for row in rows], dtype=np.float64)


def _wording(rows: Rows, known: Rows) -> Floats:
    return wording(row.text for row in rows)


CHARACTERS = Feature(shape=Shape.NUMBER, unit="characters per request", of=_characters)
WORDS = Feature(shape=Shape.NUMBER, unit="words per request", of=_words)
NON_ASCII = Feature(shape=Shape.NUMBER, unit="% of the characters outside ASCII", of=_non_ascii)
SCRIPT = Feature(shape=Shape.LABEL, unit="of the requests", of=_scripts)
RARITY = Feature(shape=Shape.NUMBER, unit="bits per word", of=_rarity, learns=True)
WORDING = Feature(shape=Shape.VECTOR, unit="which words a request holds", of=_wording)
