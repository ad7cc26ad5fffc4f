"""Three ways to look for a change that breaks a request: blind, greedy, and guided by a gradient.

A search is a generator: it yields what it wants to know and is sent the answers, so that the searches of all rows go
through a model together. Knows nothing of models. Greedy: words in the order in which leaving them out hurts, as
TextFooler (Jin et al. 2019, 1907.11932). Guided: replacements in the order of a first-order estimate over the token
embeddings, as HotFlip (Ebrahimi et al. 2017, 1712.06751), each tried before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.evaluate.attack.edits import Edit, Words

TOGETHER = 4
"""Texts that a search by chance or by gradient asks at once: enough to fill a pass, few enough to waste little."""
DRAWS = 20
"""Draws in a row that bring nothing new, after which chance has seen all there is."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What does the version say to these texts? Answered by a list of `Told`; each is a query."""

    texts: list[str]


@dataclass(frozen=True, slots=True)
class Peek:
    """How would what is right become likelier, were these read instead? Answered by a list of numbers, in nats; one
    pass forward and back.
    """

    text: str
    others: list[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a version says to a text."""

    reply: str
    sure: float
    """Log-probability of what is right."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change that breaks a request."""

    text: str
    edits: tuple[Edit, ...]
    said: str


Search = Generator[Ask | Peek, Any, Found | None]


@dataclass(slots=True)
class Hunt:
    """One row that is searched: its words, what is right, what is left to ask, and what it said undisturbed."""

    words: Words
    right: str
    left: int
    """Queries that it may still ask."""
    whole: Told
    random: np.random.Generator

    def ask(self, tried: Sequence[tuple[Edit, ...]]) -> Generator[Ask, list[Told], list[Told]]:
        """What is said to the text under each of these edits, as far as the queries go."""
        return self.told([self.words.put(edits) for edits in tried])

    def told(self, texts: Sequence[str]) -> Generator[Ask, list[Told], list[Told]]:
        """The same of texts."""
        some = list(texts[: self.left])
        self.left -= len(some)
        if not some:
            return []
        said: list[Told] = yield Ask(some)
        return said

    def broken(self, tried: Sequence[tuple[Edit, ...]], said: Sequence[Told]) -> Found | None:
        """Of edits after which something else is said, those with which what is right is least likely."""
        flips = [k for k, told in enumerate(said) if told.reply != self.right]
        if not flips:
            return None
        k = min(flips, key=lambda k: said[k].sure)
        return Found(self.words.put(tried[k]), tried[k], said[k].reply)

    def smaller(self, found: Found) -> Generator[Ask, list[Told], Found]:
        """The same with as many words put back as can be."""
        for edit in found.edits:
            fewer = tuple(other for other in found.edits if other != edit)
            said = (yield from self.ask([fewer])) if fewer else []
            found = self.broken([fewer], said) or found
        return found


def greedy(hunt: Hunt) -> Search:
    """Words by how much less likely the right reply is without them; of each the replacement that hurts most stays.

    At the last word that may be replaced nothing short of another reply helps, so that one is tried place by place.
    """
    words, kept, least = hunt.words, tuple[Edit, ...](), hunt.whole.sure
    without = yield from hunt.told([words.lacking(at) for at in words.editable])
    order = sorted(zip((told.sure for told in without), words.editable, strict=False))
    for _, at in order:
        tried = [(*kept, edit) for edit in words.edits(at)]
        said = yield from hunt.ask(tried)
        if found := hunt.broken(tried, said):
            return (yield from hunt.smaller(found))
        if said and len(kept) + 1 < words.most:
            worst = min(range(len(said)), key=lambda k: said[k].sure)
            if said[worst].sure < least:
                kept, least = tried[worst], said[worst].sure
    return None


def guided(hunt: Hunt) -> Search:
    """Replacements, of any word, by how much they are estimated to hurt; the first that does hurt stays, and then the
    estimate is made anew.
    """
    words, kept, least = hunt.words, tuple[Edit, ...](), hunt.whole.sure
    while hunt.left and len(kept) < words.most:
        taken = {edit.at for edit in kept}
        options = [(*kept, edit) for at in words.editable if at not in taken for edit in words.edits(at)]
        if not options:
            return None
        rises: list[float] = yield Peek(words.put(kept), [words.put(edits) for edits in options])
        order = np.argsort(np.asarray(rises), kind="stable")
        before = kept
        for start in range(0, len(order), TOGETHER):
            tried = [options[k] for k in order[start : start + TOGETHER]]
            said = yield from hunt.ask(tried)
            if found := hunt.broken(tried, said):
                return (yield from hunt.smaller(found))
            if said and len(before) + 1 < words.most:
                worst = min(range(len(said)), key=lambda k: said[k].sure)
                if said[worst].sure < least:
                    kept, least = tried[worst], said[worst].sure
                    break
        if kept == before:
            return None
    return None


def blind(hunt: Hunt) -> Search:
    """As many words as may be replaced, drawn, each by something drawn; no text twice. What the others are held to."""
    words, seen, idle = hunt.words, {hunt.words.text}, 0
    most = min(words.most, len(words.editable))
    while hunt.left and idle < DRAWS:
        tried = list[tuple[Edit, ...]]()
        while len(tried) < TOGETHER and idle < DRAWS:
            edits = tuple(_drawn(words, int(at), hunt.random) for at in hunt.random.permutation(words.editable)[:most])
            text = words.put(edits)
            idle = idle + 1 if text in seen else 0
            if text not in seen:
                seen.add(text)
                tried.append(edits)
        said = yield from hunt.ask(tried)
        if found := hunt.broken(tried, said):
            return (yield from hunt.smaller(found))
    return None


def _drawn(words: Words, at: int, random: np.random.Generator) -> Edit:
    others = words.others[at]
    return Edit(at, others[int(random.integers(len(others)))])


WAYS: Mapping[str, Callable[[Hunt], Search]] = {"greedy": greedy, "guided": guided, "blind": blind}
"""Name -> search."""
