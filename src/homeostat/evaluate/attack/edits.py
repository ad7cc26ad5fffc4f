"""What may stand in the place of a word without a change of meaning, and a text with some of its words replaced.

Three kinds: `letters` (a slip of the keyboard), `words` (our own synonyms and short forms), `capitals` (the word in
capital letters). No whole text is ever made up, so that what was right for a request stays right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.evaluate.suites.disturb import misspellings
from homeostat.evaluate.suites.synonyms import WORD, synonyms

MOST = 16
"""Slips of one word that are tried, at most, drawn anew for each word."""


def capitals(word: str) -> list[str]:
    """The word in capital letters, if it is not yet and has more than one."""
    return [word.upper()] if len(word) > 1 and word.upper() != word else []


KINDS: Mapping[str, Callable[[str], list[str]]] = {"letters": misspellings, "words": synonyms, "capitals": capitals}
"""Name -> what it makes of a word."""
USUAL = ("letters", "words")


@dataclass(frozen=True, slots=True)
class Edit:
    """One word replaced."""

    at: int
    """The word's number."""
    word: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text as words that may be replaced, and what lies between them."""

    text: str
    spans: tuple[tuple[int, int], ...]
    others: tuple[tuple[str, ...], ...]
    """By word, what may stand for it."""
    most: int
    """Words that may be replaced, at most."""

    @property
    def editable(self) -> list[int]:
        """Numbers of the words that something may stand for."""
        return [k for k, others in enumerate(self.others) if others]

    def edits(self, at: int) -> list[Edit]:
        """What may be made of a word."""
        return [Edit(at, other) for other in self.others[at]]

    def put(self, edits: Sequence[Edit]) -> str:
        """The text with these words replaced."""
        return self._with({edit.at: edit.word for edit in edits})

    def lacking(self, at: int, edits: Sequence[Edit] = ()) -> str:
        """The same without a word."""
        return self._with({edit.at: edit.word for edit in edits} | {at: ""})

    def _with(self, new: Mapping[int, str]) -> str:
        out, done = list[str](), 0
        for at in sorted(new):
            start, end = self.spans[at]
            out += [self.text[done:start], new[at]]
            done = end
        return "".join(out) + self.text[done:]


def hold_kinds(kinds: Sequence[str]) -> None:
    """Hold that there are these kinds of edits.

    Raises:
        UnknownPlugin: there is none of a name.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownPlugin(f"unknown kind of edits '{kind}'", where="--limit", fix=did_you_mean(kind, KINDS))


def words_of(text: str, kinds: Sequence[str], share: float, random: np.random.Generator) -> Words:
    """A text taken apart; `share` of its words, rounded down, may be replaced. Raises as `hold_kinds`."""
    hold_kinds(kinds)
    found = list(WORD.finditer(text))
    others = tuple(_others(match[0], kinds, random) for match in found)
    return Words(text, tuple(match.span() for match in found), others, math.floor(share * len(found) + 1e-9))


def _others(word: str, kinds: Sequence[str], random: np.random.Generator) -> tuple[str, ...]:
    found = list[str]()
    for kind in kinds:
        made = KINDS[kind](word)
        drawn = random.choice(len(made), size=MOST, replace=False) if len(made) > MOST else range(len(made))
        found += [made[k] for k in sorted(drawn)]
    return tuple(dict.fromkeys(found))
