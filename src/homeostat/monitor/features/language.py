"""The language of a text, told without a library: by its script, and where languages share one, by words and letters.

Each language of a shared script has a list of words (`languages.txt`, written for this project). A word is as likely in
a language as its place in the list says, or as its letters are, each after the two before it. The language in which the
text is likeliest is told if it is so by far, beside the next one and beside a language that is like all of the others
together; else none is. So what is short is often told no language, and what is in none of these should be told none.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from homeostat.monitor.features.feature import Feature, Floats, Labels, Rows, Shape
from homeostat.monitor.features.text import script_of

ALONE = {
    "ARMENIAN": "hy", "BENGALI": "bn", "CJK": "zh", "ETHIOPIC": "am", "GEORGIAN": "ka", "GREEK": "el", "GUJARATI": "gu",
    "GURMUKHI": "pa", "HANGUL": "ko", "HEBREW": "he", "HIRAGANA": "ja", "KANNADA": "kn", "KATAKANA": "ja",
    "KHMER": "km", "LAO": "lo", "MALAYALAM": "ml", "MYANMAR": "my", "ORIYA": "or", "SINHALA": "si", "TAMIL": "ta",
    "TELUGU": "te", "THAI": "th", "TIBETAN": "bo",
}  # fmt: skip
"""Script -> the language that most texts in it are in: Yiddish is told as Hebrew, Tigrinya as Amharic."""
CLEAR = 5.0
"""Nats by which a language is likelier than the next one before it is told."""
OWN = 5.0
"""Nats by which it is likelier than a language that is like all others together."""
LISTED = 0.45
"""Share of a text's words that stand in the list of its language."""
LONGEST = 1000
"""Characters that are read."""
_FLAT = 10
"""A word's share falls as one over its place in the list and this."""
_PRIOR = 5.0
"""Letters that the shorter context counts for."""
_ALPHABET = 100.0
"""Letters that an unknown one is one of."""
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0e31-\u0e4e"
    "\u0eb1-\u0ece\u0f18-\u0fbc\u102b-\u109d\u17b4-\u17d3\u200c\u200d"
)
_WORD = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+(?:['’](?:[^\W\d_]|[{_MARKS}])+)?")
_ADDRESS = re.compile(r"\S*(?:://|@|\w\.\w)\S*")
_KANA = re.compile("[\u3041-\u30fa]")


@dataclass(frozen=True, slots=True, eq=False)
class _Script:
    """The languages that share a script."""

    names: tuple[str, ...]
    shares: dict[str, Floats]
    """Word -> float64[languages]: its share of a text's words."""
    counts: dict[str, Floats]
    """Up to three letters -> float64[languages + 1]: how often they follow each other, or, of up to two and a star, how
    often something follows them; last in all languages.
    """


def language_of(text: str) -> str:
    """The language of a text, as ISO 639-1 writes it (`en`, `pt`); empty where that is not certain, or it is none of
    those that are known. Serbian in Latin letters and Bosnian are told as Croatian, Malay as Indonesian.
    """
    text = unicodedata.normalize("NFC", text[:LONGEST])
    script = script_of(text)
    if script == "CJK" and _KANA.search(text):
        return "ja"
    if script in ALONE or script not in _scripts():
        return ALONE.get(script, "")
    known = _scripts()[script]
    total = evidence(text, script)
    best, second = np.partition(total[:-1], -2)[:-3:-1]
    told = best - second >= CLEAR and best - total[-1] >= OWN
    return known.names[int(total[:-1].argmax())] if told else ""


def languages() -> tuple[str, ...]:
    """Every language that can be told."""
    return tuple(sorted({*ALONE.values(), *(name for script in _scripts().values() for name in script.names)}))


def evidence(text: str, script: str) -> Floats:
    """Log-likelihood of a text, in nats, in each language of a script, and last in one that is like all of them."""
    found = [_word(script, word) for word in words_in(text)]
    return np.asarray(np.sum(found, axis=0) + np.zeros(len(_scripts()[script].names) + 1), dtype=np.float64)


def words_in(text: str) -> list[str]:
    """The words of a text in small letters, their vowel signs and accents with them; no addresses and no numbers."""
    return _WORD.findall(_ADDRESS.sub(" ", text).lower().replace("’", "'"))


@lru_cache(maxsize=16384)
def _word(script: str, word: str) -> Floats:
    """Log-likelihood of a word in each language; 0 where it is written in another script."""
    known, marked = _scripts()[script], f"^{word}$"
    if script_of(word) != script:
        return np.zeros(len(known.names) + 1)
    letters = np.exp(np.sum([_letter(script, marked[max(0, k - 2) : k + 1]) for k in range(1, len(marked))], axis=0))
    listed = known.shares.get(word, np.zeros(len(known.names)))
    return np.asarray(np.log(LISTED * np.append(listed, 0.0) + (1 - LISTED) * letters + 1e-300), dtype=np.float64)


@lru_cache(maxsize=16384)
def _letter(script: str, gram: str) -> Floats:
    """Log-probability of the last letter after one or two before it in each language, with shorter contexts for what is
    rare (Dirichlet smoothing: MacKay and Peto 1995).
    """
    counts = _scripts()[script].counts
    nothing = np.zeros_like(counts["*"])
    p = nothing + 1 / _ALPHABET
    for k in range(len(gram) - 1, -1, -1):
        seen = counts.get(f"{gram[k:-1]}*", nothing)
        p = (counts.get(gram[k:], nothing) + _PRIOR * p) / (seen + _PRIOR)
    return np.asarray(np.log(p), dtype=np.float64)


@cache
def _scripts() -> dict[str, _Script]:
    """Script -> its languages, from the lists."""
    lists: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("languages.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            code, *_ = line.split()
            lists.setdefault(code, []).extend(words_in(unicodedata.normalize("NFC", line.removeprefix(code))))
    found: dict[str, dict[str, list[str]]] = {}
    for code, words in lists.items():
        found.setdefault(script_of(" ".join(words)), {})[code] = list(dict.fromkeys(words))
    return {script: _script(members) for script, members in found.items()}


def _script(members: dict[str, list[str]]) -> _Script:
    shares: dict[str, Floats] = {}
    counts: dict[str, Floats] = {}
    for column, words in enumerate(members.values()):
        weights = 1 / (_FLAT + np.arange(len(words)))
        for word, weight in zip(words, weights / weights.sum(), strict=True):
            shares.setdefault(word, np.zeros(len(members)))[column] = weight
        for gram, n in Counter(gram for word in words for gram in _grams(f"^{word}$")).items():
            row = counts.setdefault(gram, np.zeros(len(members) + 1))
            row[column] += n
            row[-1] += n
    return _Script(tuple(members), shares, counts)


def _grams(word: str) -> list[str]:
    """Each letter after none, one and two before it, and these contexts, marked by a star."""
    places = [(k - n, k) for k in range(1, len(word)) for n in range(min(k, 2) + 1)]
    return [gram for start, k in places for gram in (word[start : k + 1], f"{word[start:k]}*")]


def _languages(rows: Rows, known: Rows) -> Labels:
    return np.array([language_of(row.text) for row in rows], dtype=np.str_)


def _reply_languages(rows: Rows, known: Rows) -> Labels:
    return np.array([language_of(row.reply) for row in rows], dtype=np.str_)


LANGUAGE = Feature(shape=Shape.LABEL, unit="of the requests", of=_languages)
REPLY_LANGUAGE = Feature(shape=Shape.LABEL, unit="of the replies", of=_reply_languages)
