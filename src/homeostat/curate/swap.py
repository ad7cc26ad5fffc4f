"""Counterfactuals: a text as it would be if it were about, or from, another group: pronouns, names, words of a group.

Pairs of words are exchanged, whole words and both ways at once, so swapping twice gives the text back. English says two
things by one word: `her` is `him` or `his`, and `his` is `her` or `hers`; the word that follows decides, and is wrong
now and then. Sources: Zhao et al. 2018, 1804.06876; Lu et al. 2018, 1807.11714; Kaushik et al. 2019, 1909.12434.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.curate.fence import Fence
from homeostat.curate.text import key
from homeostat.errors import BadStream, NotText
from homeostat.types.dataset import SWAPPED, Example

ENGLISH = "english"
"""Name of the pairs that come with Homeostat."""
_PAIRS = (
    "he she|himself herself|man woman|men women|boy girl|boys girls|male female|males females|father mother"
    "|fathers mothers|dad mom|daddy mommy|papa mama|son daughter|sons daughters|brother sister|brothers sisters"
    "|husband wife|husbands wives|boyfriend girlfriend|boyfriends girlfriends|uncle aunt|uncles aunts|nephew niece"
    "|nephews nieces|grandfather grandmother|grandpa grandma|grandson granddaughter|stepfather stepmother|king queen"
    "|kings queens|prince princess|sir madam|mr ms|gentleman lady|gentlemen ladies|guy gal|guys gals|groom bride"
    "|widower widow|waiter waitress|waiters waitresses|actor actress|actors actresses|hero heroine"
    "|landlord landlady|policeman policewoman|businessman businesswoman|salesman saleswoman|chairman chairwoman"
    "|spokesman spokeswoman|masculine feminine|manhood womanhood|fatherhood motherhood|paternal maternal|lad lass"
)
_NAMES = (
    "Aaron Alice|Adam Anna|Ahmed Aisha|Alan Amanda|Andrew Andrea|Anthony Angela|Arthur Audrey|Ben Beth"
    "|Brian Barbara|Carlos Carmen|Charles Charlotte|Christopher Christina|Daniel Danielle|David Diana|Dmitri Daria"
    "|Edward Emily|Eric Erica|George Gina|Hassan Hana|Henry Helen|Ivan Irina|Jacob Jessica"
    "|James Jennifer|Jamal Jasmine|Jason Julia|John Joan|Jose Juana|Joseph Josephine|Juan Isabel|Kevin Karen|Kofi Ama"
    "|Lars Linda|Lewis Laura|Luis Lucia|Martin Martha|Matthew Megan|Michael Michelle|Mohammed Fatima"
    "|Nathan Nancy|Nicholas Nicole|Oliver Olivia|Patrick Patricia|Paul Paula|Pedro Pilar|Peter Pamela|Philip Phyllis"
    "|Raj Priya|Richard Rachel|Robert Roberta|Ryan Rebecca|Samuel Sarah|Sanjay Sunita|Scott Sandra|Simon Susan"
    "|Stephen Stephanie|Thomas Teresa|Timothy Tina|Victor Victoria|Wei Mei|William Wendy|Yusuf Zainab"
)
_FIELD = re.compile(r"\s*[,\t]\s*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CLITIC = re.compile(r"(?<=.)(['’](?:s|d|ll|ve|re|m))$", re.IGNORECASE)
_NOT_OWNED = (
    "a about after again all an and are as at away back be because before but by can could did do does down for from go"
    " had has have he here how i if in into is it just last later my not now of off on or out over she should so some"
    " than that the their them then there these they this through to today tomorrow too under until up very was we well"
    " were what when where which while who why will with would yesterday you"
)
_NO_NOUN = frozenset(_NOT_OWNED.split())
"""Words that do not begin what somebody has: before them, and at the end, `her` is `him`, and `his` is `hers`."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Words and what they are exchanged for, in small letters."""

    pairs: Mapping[str, str]
    english: bool = False
    """Whether `him`, `his`, `her` and `hers` are told by what follows."""

    def __call__(self, text: str) -> str:
        """The text with every word exchanged that has a partner, written as it was (small, Capital, ALL CAPITALS)."""
        words = list(_WORD.finditer(text))
        out, done = [], 0
        for place, found in enumerate(words):
            following = words[place + 1] if place + 1 < len(words) else None
            near = following.group() if following and not text[found.end() : following.start()].strip() else ""
            out += [text[done : found.start()], self._word(found.group(), near)]
            done = found.end()
        return "".join(out) + text[done:]

    def _word(self, word: str, near: str) -> str:
        clitic = _CLITIC.search(word)
        stem, rest = (word[: clitic.start()], clitic.group()) if clitic else (word, "")
        other = self._pronoun(stem.lower(), near.lower()) if self.english else ""
        other = other or self.pairs.get(stem.lower(), "")
        return _as_written(stem, other) + rest if other else word

    def _pronoun(self, word: str, near: str) -> str:
        owns = bool(near) and near not in _NO_NOUN
        if word == "her":
            return "his" if owns else "him"
        if word == "his":
            return "her" if owns else "hers"
        return {"him": "her", "hers": "his"}.get(word, "")


def swap_of(name: str) -> Swap:
    """The pairs of a name: `english`, or a UTF-8 file with a pair a line, its words apart by a comma or a tab.

    Each word should stand in one pair alone; of several the first counts, and swapping twice then gives another text.

    Raises:
        BadStream: there is no such file, or a line is no pair of two words.
        NotText: the file is not UTF-8.
    """
    if name == ENGLISH:
        pairs = [tuple(pair.split()) for pair in f"{_PAIRS}|{_NAMES}".lower().split("|")]
        return Swap(_both_ways((first, second) for first, second in pairs), english=True)
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as broken:
        raise NotText(f"not UTF-8: {broken}", where=name, fix="save it as UTF-8") from broken
    except OSError as missing:
        raise BadStream(
            f"no pairs of words: {missing.strerror}", where=name, fix=f"name a file, or `{ENGLISH}`"
        ) from None
    return Swap(_both_ways(_read(lines, name)))


def _read(lines: Sequence[str], name: str) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = _FIELD.split(line.strip().lower())
        if len(words) != 2 or not all(_WORD.fullmatch(word) for word in words):
            fix = "write two words, such as `pastor, imam`"
            raise BadStream(f"{line!r:.60} is no pair of words", where=f"{name} line {number}", fix=fix)
        yield words[0], words[1]


def _both_ways(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for first, second in pairs:
        found.setdefault(first, second)
        found.setdefault(second, first)
    return found


def _as_written(model: str, word: str) -> str:
    """The word in the letters of the one it stands for."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def counterfactuals(rows: Sequence[Example], swap: Swap, evaluation: Iterable[str] = ()) -> list[Example]:
    """Copies of the rows in which words are swapped, with the same target, weight and origin.

    Rows without such words give none, nor do those whose copy is there already, or is as good as a text that models
    are examined on. A copy is marked as one, so that its row stays beside it, and carries no tags: nobody of that group
    asked it. It keeps the interaction of its row: who is erased is erased from copies too.
    """
    taken = {key(row.text) for row in rows}
    made: dict[str, Example] = {}
    for row in rows:
        other = swap(row.text)
        if key(other) not in taken:
            made.setdefault(key(other), replace(row, text=other, disturbed=SWAPPED, tags={}))
    return Fence(evaluation).outside(list(made.values()))
