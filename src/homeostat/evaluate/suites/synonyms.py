"""Everyday English words that may stand for each other in a request, our own list, and short forms of single words.

Words of one group have one form (number, tense), so that a sentence stays a sentence. Names of things that requests are
told apart by (card, account, refund) are left out: what replaces them might change what is right. So are words
with a second sense that another of their group lacks (close, right, kind, fine).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np

SHARE = 0.2
"""Share of the words that are replaced where so many have a synonym; at least one."""
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""A word: letters, and what stands behind an apostrophe."""
_GROUPS = (
    "want wish|wants wishes|wanted wished|need require|needs requires|needed required|help assist|helps assists"
    "|helping assisting|buy purchase|buying purchasing|bought purchased|begin start|begins starts|began started"
    "|beginning starting|finish complete|finished completed|finishing completing|show display|shows displays"
    "|showing displaying|get obtain|getting obtaining|give provide|gives provides|giving providing|ask inquire"
    "|tell inform|telling informing|find locate|finding locating|try attempt|trying attempting|tried attempted"
    "|fix repair mend|fixed repaired mended|fixing repairing mending|choose select pick|chose selected picked"
    "|choosing selecting picking|use utilize|using utilizing|used utilized|think believe|thinks believes"
    "|thought believed|happen occur|happens occurs|happened occurred|talk speak|talking speaking|see view"
    "|seeing viewing|create make|creating making|created made|allow permit|allowed permitted|receive get"
    "|received got|receiving getting|explain clarify|explained clarified|answer reply|answers replies"
    "|answered replied|big large|bigger larger|biggest largest|small little|quick rapid speedy|quickly rapidly speedily"
    "|slow sluggish|easy simple|easily simply|difficult tough|nice pleasant|bad poor|wrong incorrect|sure certain"
    "|whole entire|happy glad|sad unhappy|angry upset|strange odd weird|normal usual|normally usually"
    "|often frequently|maybe perhaps|probably likely|really truly|very extremely|soon shortly|now currently"
    "|again anew|almost nearly|enough sufficient|many numerous|several various|additional extra|buddy friend"
    "|people folks ppl|kid child|kids children|guy man|thing item|things items|stuff things|problem trouble"
    "|problems troubles|question query|questions queries|error mistake|errors mistakes|kinds types sorts"
    "|information info details|picture photo image|pictures photos images|movie film|movies films|song tune"
    "|songs tunes|trip journey|trips journeys|street road|car auto|phone telephone|gift present|gifts presents"
    "|amount sum|amounts sums|could can|would will|because cos|though tho|until till|hello hi hey|thanks thx"
    "|please pls kindly|you u|your ur|are r|okay ok|tomorrow tmrw|tonight tonite"
)


@cache
def known() -> Mapping[str, tuple[str, ...]]:
    """Word in small letters -> what may stand for it."""
    forms: dict[str, tuple[str, ...]] = {}
    for group in _GROUPS.split("|"):
        for word in group.split():
            others = (other for other in group.split() if other != word)
            forms[word] = tuple(dict.fromkeys((*forms.get(word, ()), *others)))
    return forms


def synonyms(word: str) -> list[str]:
    """What may stand for a word, written as it is (small, Capital, ALL CAPITALS)."""
    return [as_written(word, other) for other in known().get(word.lower(), ())]


def reworded(text: str, random: np.random.Generator) -> str:
    """With some everyday words replaced by others that mean about the same."""
    found = [match for match in WORD.finditer(text) if match[0].lower() in known()]
    wanted = max(1, round(SHARE * len(text.split()))) if found else 0
    chosen = random.choice(len(found), size=min(wanted, len(found)), replace=False) if found else ()
    for at in sorted(chosen, reverse=True):
        start, end = found[at].span()
        others = synonyms(text[start:end])
        text = text[:start] + others[int(random.integers(len(others)))] + text[end:]
    return text


def as_written(model: str, word: str) -> str:
    """The word in the letters of the one it stands for."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word
