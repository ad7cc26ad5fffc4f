"""Which of two replies people prefer, not knowing whose they are: a queue of pairs, and a book of what was said.

A pair is a request that the champion and a candidate both answered. Whoever judges sees the two replies side by side,
in an order that follows from the pair and from who judges, and never a version's name. Pairs come in an order of their
own for everybody, so that a few judges cover more of them; two replies that are the same need nobody and are a tie.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from homeostat.stats.eprocess import Betting
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score

JUDGED = "judged"
LEFT, RIGHT, TIE = "left", "right", "tie"
CHOICES = (LEFT, RIGHT, TIE)
_WORTH = {True: 1.0, False: 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One request with two replies, of which nobody is told whose they are."""

    interaction: str
    text: str
    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred:
    """What was said of a candidate so far."""

    candidate: str
    share: Score | None
    """How often the candidate's reply was preferred, a tie counting half; None before the first judgment."""
    better: int
    worse: int
    ties: int
    alike: int
    """Ties because both replied the same; nobody was asked."""
    p: float
    """Of "the candidate is preferred at most as often as the champion"; may be read after every judgment."""
    agreement: float | None
    """Of two who judged the same pair, how often they said the same; None where nobody did."""
    waiting: int
    """Pairs whose replies differ, and that nobody has judged."""
    same: int
    """Pairs whose replies are the same, and that stand beside no judged one yet: nobody is asked about them."""


def pairs(store: Store, task: str, candidate: str) -> list[tuple[Interaction, Interaction]]:
    """What users got, and what the other of the two versions replied to a copy: the champion's first."""
    champion = store.aliases.get(task, "champion") or ""
    copies = [(row[0], row[1]) for row in store.interactions.shadows(task, candidate)]
    heard = [(row[1], row[0]) for row in store.interactions.shadows(task, champion) if row[0].version == candidate]
    return [(mine, copy) for mine, copy in copies if mine.version == champion] + heard


def queue(store: Store, task: str, candidate: str, by: str, n: int) -> list[Pair]:
    """The next pairs for somebody to judge, at most `n`; the same ones until they are judged."""
    said, found = judgments(store, candidate), list[Pair]()
    for theirs, mine in _order(store, task, candidate, by):
        pair = _primary(theirs, mine)
        if len(found) < n and by not in said.get(pair, {}) and not _alike(theirs, mine):
            left, right = (mine, theirs) if _swapped(by, pair) else (theirs, mine)
            found.append(Pair(interaction=pair, text=mine.text, left=left.reply, right=right.reply))
    return found


def judge(store: Store, task: str, candidate: str, by: str, choices: Mapping[str, str]) -> None:
    """Note what somebody prefers of pairs, by the side on which it stood; said again, the later counts.

    Pairs that are alike and come before a judged one in this judge's order are noted as ties with it: an account of
    differences alone would overstate them, and one of ties that nobody looked beyond would say that all is well.
    """
    said, alike = judgments(store, candidate), list[str]()
    for theirs, mine in _order(store, task, candidate, by):
        pair = _primary(theirs, mine)
        if _alike(theirs, mine):
            alike += [pair] if pair not in said else []
        elif pair in choices:
            for tie in alike:
                _note(store, candidate, tie, "", 0.5)
            alike = []
            choice = choices[pair]
            worth = 0.5 if choice == TIE else _WORTH[(choice == LEFT) == _swapped(by, pair)]
            _note(store, candidate, pair, by, worth)


def judgments(store: Store, candidate: str) -> dict[str, dict[str, float]]:
    """Interaction -> who -> what the candidate's reply is worth beside the champion's: 1, 0.5 or 0. Nobody (an empty
    name) judged two that are alike.
    """
    found: dict[str, dict[str, float]] = {}
    for event in store.events.list(_subject(candidate)):
        found.setdefault(event.values["interaction"], {})[event.values["by"]] = float(event.values["worth"])
    return found


def preferred(store: Store, task: str, candidate: str) -> Preferred:
    """What was said of a candidate so far; a pair that several judged counts once, by their mean."""
    said = judgments(store, candidate)
    worths = np.array([float(np.mean(list(each.values()))) for each in said.values()])
    game = Betting(0.0)
    game.extend(2.0 * worths - 1.0)
    left = {_primary(*pair): _alike(*pair) for pair in pairs(store, task, candidate) if _primary(*pair) not in said}
    return Preferred(
        candidate=candidate,
        share=mean_interval(worths) if len(worths) else None,
        better=int((worths > 0.5).sum()),
        worse=int((worths < 0.5).sum()),
        ties=int((worths == 0.5).sum()),
        alike=sum(set(each) == {""} for each in said.values()),
        p=min(1.0, float(np.exp(-game.log_value))),
        agreement=_agreement(list(said.values())),
        waiting=len(left) - sum(left.values()),
        same=sum(left.values()),
    )


def _agreement(said: Sequence[Mapping[str, float]]) -> float | None:
    same = [float(one == other) for each in said for one, other in combinations(each.values(), 2)]
    return float(np.mean(same)) if same else None


def _note(store: Store, candidate: str, pair: str, by: str, worth: float) -> None:
    store.events.append(_subject(candidate), JUDGED, {"interaction": pair, "by": by, "worth": worth})


def _primary(one: Interaction, other: Interaction) -> str:
    return one.of or other.of


def _order(store: Store, task: str, candidate: str, by: str) -> list[tuple[Interaction, Interaction]]:
    """All pairs in this judge's order."""
    return sorted(pairs(store, task, candidate), key=lambda pair: _draw(by, pair[0].id, pair[1].id))


def _alike(one: Interaction, other: Interaction) -> bool:
    return one.reply.strip() == other.reply.strip()


def _draw(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def _swapped(by: str, pair: str) -> bool:
    """Whether the candidate stands on the left, for this judge."""
    return bool(_draw("side", by, pair)[0] & 1)


def _subject(candidate: str) -> str:
    return f"pairs:{candidate}"
