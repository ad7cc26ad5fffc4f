"""A request turned into its opposite: whoever says of both the same has not read it (CheckList's directional tests,
Ribeiro et al. 2020, arXiv 2005.04118). For suites whose check is `changes`; a list of our own, English alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

_TAKEN: dict[str, str] = {
    "don't": "",
    "do not": "",
    "doesn't": "",
    "does not": "",
    "didn't": "",
    "did not": "",
    "isn't": "is",
    "aren't": "are",
    "wasn't": "was",
    "weren't": "were",
    "can't": "can",
    "cannot": "can",
    "couldn't": "could",
    "won't": "will",
    "wouldn't": "would",
    "shouldn't": "should",
    "haven't": "have",
    "hasn't": "has",
    "hadn't": "had",
    "not": "",
    "never": "",
}
"""What says no, and what is left of it."""
_GIVEN = ("am", "is", "are", "was", "were", "can", "could", "will", "would", "should", "must", "has")
"""Words that `not` is put behind."""
_WISHES = ("want", "need", "like", "wish", "expect", "think", "know", "agree", "have")
"""Verbs of a first person that are denied with `do not`."""
_ORDERS = (
    *("add", "block", "book", "buy", "call", "cancel", "change", "check", "close", "delete", "find", "give", "help"),
    *("keep", "let", "make", "move", "open", "order", "pay", "play", "put", "refund", "remind", "remove", "repeat"),
    *("return", "send", "set", "show", "start", "stop", "switch", "take", "tell", "transfer", "turn", "update"),
)
"""Verbs that an order begins with."""


def _words(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_NO = re.compile(rf"\b(?:{_words(_TAKEN)})\b ?", re.IGNORECASE)
_WISH = re.compile(rf"\b(i|we)( would| really| just)? ({_words(_WISHES)})\b", re.IGNORECASE)
_ORDER = re.compile(rf"^(please,? )?({_words(_ORDERS)})\b(?= \w)", re.IGNORECASE)
_AUXILIARY = re.compile(rf"(?<=\S )({_words(_GIVEN)})\b(?! not\b)", re.IGNORECASE)
_ASKED = re.compile(r"^\W*(who|what|when|where|which|why|how|whose)\b", re.IGNORECASE)


def negated(text: str, random: np.random.Generator) -> str:
    """The opposite of what a request says: a no taken out, or one put in; the same text where neither is possible."""
    if found := _NO.search(text):
        kept = _TAKEN[found[0].strip().lower()]
        return _began(text[: found.start()] + (f"{kept} " if kept else "") + text[found.end() :], text)
    if found := _WISH.search(text):
        how = (found[2] or "").replace(" would", "")
        return f"{text[: found.start()]}{found[1]} do not{how} {found[3]}{text[found.end() :]}"
    if found := _ORDER.search(text):
        polite, verb = found[1] or "", found[2].lower()
        return f"{polite}{'do' if polite else 'Do'} not {verb}{text[found.end() :]}"
    if not _ASKED.search(text) and (found := _AUXILIARY.search(text)):
        return f"{text[: found.end()]} not{text[found.end() :]}"
    return text


def _began(turned: str, text: str) -> str:
    """With a capital letter where it had one."""
    return turned[:1].upper() + turned[1:] if text[:1].isupper() else turned
