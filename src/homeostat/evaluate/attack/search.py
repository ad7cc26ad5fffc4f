"""Three ways to look for a change that breaks a request: blind, greedy, and guided by a gradient.

A search is a generator: it yields what it wants to know and is sent the answers, so that the searches of all rows go
through a model together. Knows nothing of models. Greedy: words in the order of their importance, as TextFooler (Jin et
al. 2019, 1907.11932), which leaves each out to see; here a first replacement of each tells, for that may break the
request besides (`docs/log.md`). Guided: by gradients over the token embeddings, as HotFlip (Ebrahimi et al. 2017,
1712.06751), each replacement tried before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homeostat.evaluate.attack.edits import Edit, Words

TOGETHER = 2
"""Texts that a search asks at once: many rows go through a model together, so that few waste little and fill a pass."""
DRAWS = 20
"""Draws in a row that bring nothing new, after which chance has seen all there is."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What does the version say to these texts? Answered by a list of `Told`; each is a query."""

    texts: list[str]


@dataclass(frozen=True, slots=True)
class Peek:
    """Which of these would take most from what is right, were they read instead? Answered by a list of numbers, the
    lower the worse; one pass forward and back.
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
    seen: set[frozenset[Edit]] = field(default_factory=set)
    """Edits that were asked about."""

    def is_new(self, edits: Sequence[Edit]) -> bool:
        """Whether these edits were not asked about yet; from now on they are."""
        before = len(self.seen)
        self.seen.add(frozenset(edits))
        return len(self.seen) > before

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
    """Words by what a first replacement of each does; then the worst of them together, and better ones in their places.

    A replacement tells of its word what leaving it out would (TextFooler), and may break the request besides.
    """
    words, tried = hunt.words, [(hunt.words.edits(at)[0],) for at in hunt.words.editable]
    hunt.seen.update(map(frozenset, tried))
    said = yield from hunt.ask(tried)
    if found := hunt.broken(tried, said):
        return found
    hurt = sorted(range(len(said)), key=lambda k: said[k].sure)
    ranked = [edit for k in hurt for edit in tried[k]]
    rest = [words.edits(edit.at)[1:] for edit in ranked]
    longest = max((len(others) for others in rest), default=0)
    turns = [others[start : start + TOGETHER] for start in range(0, longest, TOGETHER) for others in rest]
    return (yield from _climb(hunt, ranked, [edits for edits in turns if edits]))


def guided(hunt: Hunt) -> Search:
    """The same, but for who says which words and replacements hurt: a gradient, at the price of one pass back."""
    options = [edit for at in hunt.words.editable for edit in hunt.words.edits(at)]
    hurts: list[float] = yield Peek(hunt.words.text, [hunt.words.put([edit]) for edit in options])
    ranked = [options[k] for k in np.argsort(np.asarray(hurts), kind="stable")]
    turns = [ranked[start : start + TOGETHER] for start in range(0, len(ranked), TOGETHER)]
    return (yield from _climb(hunt, ranked, turns))


def _climb(hunt: Hunt, ranked: Sequence[Edit], turns: Sequence[Sequence[Edit]]) -> Search:
    """Begin with the first edits, as many words as may be replaced; then, turn by turn, put others in, each in the
    place of its own word's or of the last one's, and keep what hurts more.
    """
    kept: dict[int, Edit] = {}
    for edit in ranked:
        if len(kept) < hunt.words.most:
            kept.setdefault(edit.at, edit)
    least = np.inf
    for edits in (ranked[:1], *turns):
        sets = [tuple(_with(kept, edit, hunt.words.most).values()) for edit in edits]
        sets = [each for each in sets if hunt.is_new(each)]
        said = yield from hunt.ask(sets)
        if found := hunt.broken(sets, said):
            return (yield from hunt.smaller(found))
        if said and min(told.sure for told in said) < least:
            worst = min(range(len(said)), key=lambda k: said[k].sure)
            kept, least = {edit.at: edit for edit in sets[worst]}, said[worst].sure
    return None


def _with(kept: Mapping[int, Edit], edit: Edit, most: int) -> dict[int, Edit]:
    """Edits with one more, in the place of its own word's, or of the last where there are enough."""
    if edit in kept.values():
        return dict(kept)
    others = [other for at, other in kept.items() if at != edit.at]
    return {other.at: other for other in (*others[: most - 1], edit)}


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
