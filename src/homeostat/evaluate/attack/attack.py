"""Attacks many rows at once, and says what came of it: how many broke, at what price, by how much of the words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.evaluate.attack.edits import USUAL, hold_kinds, words_of
from homeostat.evaluate.attack.search import WAYS, Ask, Found, Hunt, Peek, Search, Told
from homeostat.stats.intervals import mean_interval
from homeostat.types.report import Score


class Subject(Protocol):
    """What is attacked: a version that replies with labels."""

    def told(self, texts: Sequence[str], right: Sequence[str]) -> list[Told]:
        """What it says to each text, and how likely it finds what is right there."""
        ...

    def foresee(self, texts: Sequence[str], right: Sequence[str], others: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """float64[others] per text: the lower, the more it would take from what is right to read that instead."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard it is tried."""

    how: str = "greedy"
    """`greedy`, `guided` or `blind`."""
    by: tuple[str, ...] = USUAL
    """Kinds of edits (`edits.KINDS`)."""
    words: float = 0.2
    """Share of a request's words that may be replaced, rounded down."""
    queries: int = 100
    """Requests that may be asked for each row."""
    seed: int = 0
    """Of what is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one row."""

    text: str
    right: str
    said: str
    """To the row as it is."""
    tried: bool
    """Whether it was attacked: what is said wrong needs no attack, and of few words none may be replaced."""
    found: Found | None = None
    queries: int = 0
    peeks: int = 0
    """Passes forward and back for a gradient."""
    share: float = 0.0
    """Of the words, that the change replaces."""

    @property
    def stands(self) -> bool:
        """Whether it was told right, and still is."""
        return self.said == self.right and self.found is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """What came of all rows."""

    clean: Score
    """Share told right as they are."""
    under_attack: Score
    """Share told right whatever was tried."""
    success: Score | None
    """Share of the rows attacked that broke; None where none could be."""
    queries: Score | None
    """For each row attacked, whatever came of it."""
    peeks: Score | None
    changed: Score | None
    """Share of the words replaced, where it broke; None where nothing did."""


def hold(limits: Limits) -> None:
    """Hold that an attack can be tried so; nothing is asked for that.

    Raises:
        UnknownPlugin: there is no such way, or no such kind of edits.
    """
    if limits.how not in WAYS:
        raise UnknownPlugin(f"no attack is called '{limits.how}'", where="--how", fix=did_you_mean(limits.how, WAYS))
    hold_kinds(limits.by)


def attack(
    rows: Sequence[tuple[str, str]],
    subject: Subject,
    limits: Limits,
    watching: Callable[[int], None] = lambda done: None,
) -> list[Attempt]:
    """Attack every row (text, what is right) that the subject tells right, and say what came of each, in their order.

    Args:
        rows: each is drawn for by its own text and the seed, so that it fares alike whatever stands beside it.
        subject: who is attacked; all rows ask it together.
        limits: how hard.
        watching: is told how many rows are done.

    Raises:
        UnknownPlugin: there is no such way, or no such kind of edits.
        Whatever the subject raises.
    """
    hold(limits)
    whole = subject.told([text for text, _ in rows], [right for _, right in rows]) if rows else []
    hunts = dict[int, Hunt]()
    for k, ((text, right), told) in enumerate(zip(rows, whole, strict=True)):
        random = np.random.default_rng([limits.seed, *text.encode("utf-8", "surrogatepass")])
        words = words_of(text, limits.by, limits.words, random)
        if told.reply == right and words.most and words.editable:
            hunts[k] = Hunt(words, right, max(0, limits.queries - 1), told, random)
    found, peeks = _run(hunts, WAYS[limits.how], subject, lambda done: watching(len(rows) - len(hunts) + done))
    return [
        Attempt(
            text=text,
            right=right,
            said=told.reply,
            tried=k in hunts,
            found=found.get(k),
            queries=limits.queries - hunts[k].left if k in hunts else 1,
            peeks=peeks.get(k, 0),
            share=len(made.edits) / len(hunts[k].words.spans) if (made := found.get(k)) else 0.0,
        )
        for k, ((text, right), told) in enumerate(zip(rows, whole, strict=True))
    ]


def attacked(attempts: Sequence[Attempt]) -> Attacked:
    """What came of the rows, each number with its interval: exact for shares, Student's t for means.

    Raises:
        ValueError: there are no rows.
    """
    tried = [one for one in attempts if one.tried]
    broken = [one for one in tried if one.found]
    return Attacked(
        clean=mean_interval([float(one.said == one.right) for one in attempts]),
        under_attack=mean_interval([float(one.stands) for one in attempts]),
        success=_of([float(one.found is not None) for one in tried]),
        queries=_of([float(one.queries) for one in tried]),
        peeks=_of([float(one.peeks) for one in tried]),
        changed=_of([one.share for one in broken]),
    )


def _of(values: Sequence[float]) -> Score | None:
    return mean_interval(values) if values else None


def _run(
    hunts: dict[int, Hunt], way: Callable[[Hunt], Search], subject: Subject, watching: Callable[[int], None]
) -> tuple[dict[int, Found], dict[int, int]]:
    """Every hunt to its end, a round at a time: what was found, and how often each peeked."""
    searches, found, peeks = {k: way(hunt) for k, hunt in hunts.items()}, dict[int, Found](), dict[int, int]()
    wanted = _sent(searches, dict.fromkeys(searches), found)
    while wanted:
        watching(len(hunts) - len(wanted))
        asks = {k: want for k, want in wanted.items() if isinstance(want, Ask)}
        looks = {k: want for k, want in wanted.items() if isinstance(want, Peek)}
        answers: dict[int, object] = _asked(asks, hunts, subject)
        if looks:
            right = [hunts[k].right for k in looks]
            rises = subject.foresee([w.text for w in looks.values()], right, [w.others for w in looks.values()])
            answers |= dict(zip(looks, rises, strict=True))
            peeks |= {k: peeks.get(k, 0) + 1 for k in looks}
        wanted = _sent({k: searches[k] for k in wanted}, answers, found)
    watching(len(hunts))
    return found, peeks


def _asked(asks: dict[int, Ask], hunts: dict[int, Hunt], subject: Subject) -> dict[int, object]:
    """What is told to everything that is asked in a round."""
    texts = [text for ask in asks.values() for text in ask.texts]
    said = subject.told(texts, [hunts[k].right for k, ask in asks.items() for _ in ask.texts]) if texts else []
    ends = np.cumsum([0, *(len(ask.texts) for ask in asks.values())]).tolist()
    return {k: said[start:end] for k, (start, end) in zip(asks, pairwise(ends), strict=True)}


def _sent(searches: dict[int, Search], answers: dict[int, object], found: dict[int, Found]) -> dict[int, Ask | Peek]:
    """Send each search its answer: what it wants next, if it goes on; what one that ends has found is taken down."""
    wanted = dict[int, Ask | Peek]()
    for k, search in searches.items():
        try:
            wanted[k] = search.send(answers[k])
        except StopIteration as end:
            if end.value:
                found[k] = end.value
    return wanted
