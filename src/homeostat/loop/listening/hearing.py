"""Hears what is said of a task's requests beside what is known of them, and says which of it is to be doubted. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from homeostat.curate.alone import NEWEST, alone
from homeostat.curate.suspect import SOURCE, Statement, Suspicion, suspects
from homeostat.curate.text import tidy
from homeostat.loop.listening.witness import RARE, Witness
from homeostat.stats.intervals import upper_bound
from homeostat.types.dataset import GOOD_RATING
from homeostat.types.feedback import TRUTHS, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

USUAL = 2 * RARE
"""Share of labels that contradict what is known and need no explanation: twice what is remembered has, for drift."""
GRUMBLING = 0.1
"""The same of ratings; more where more was usual before."""
BAD_RATING = 0.2
"""Rating up to which a reply is called bad."""
GOOD, BAD = "good", "bad"
MOST = 20_000
"""Newest statements of a kind that are remembered."""
Pairs = Sequence[tuple[Interaction, Feedback]]


@dataclass(slots=True)
class Hearing:
    """What was said since a champion was trained. Without a witness, as on a task of text, only sources whose ratings
    are unlike everybody else's can be told.
    """

    witness: Witness | None
    _labels: list[Statement] = field(init=False, default_factory=list)
    _ratings: list[Statement] = field(init=False, default_factory=list)
    _by: defaultdict[str, list[str]] = field(init=False, default_factory=lambda: defaultdict(list))
    """Source -> ids of all its feedback, what cannot be judged too."""

    def take(self, pairs: Pairs) -> None:
        """Hear some more, in the order in which it was said."""
        for _, said in pairs:
            self._by[said.source].append(said.id)
        self._ratings += _ratings(self.witness, [pair for pair in pairs if pair[1].kind is FeedbackKind.RATING])
        if self.witness is not None:
            self._labels += _labels(self.witness, [pair for pair in pairs if pair[1].kind in TRUTHS])
        del self._labels[:-MOST], self._ratings[:-MOST]

    def doubts(self, released: Collection[str] = ()) -> list[Suspicion]:
        """Every group that is doubted; what a person has released is not. Of a doubted source everything is held."""
        labels = [one for one in self._labels if one.id not in released]
        ratings = [one for one in self._ratings if one.id not in released]
        found = suspects(labels, USUAL, self.witness.mix) if self.witness is not None else []
        against = suspects(ratings, _usual(ratings)) if ratings else []
        if self.witness is None:
            against = [one for one in against if one.group.startswith(SOURCE)]
        return [self._whole(one, released) for one in found + against]

    def alone(self, released: Collection[str] = ()) -> tuple[frozenset[str], frozenset[str]]:
        """Ids of the labels that contradict and that nobody says with them, and of all other labels that were heard:
        what waited among these has found company. What a person has released does not wait.
        """
        labels = [one for one in self._labels if one.id not in released]
        waiting = alone(labels)
        return waiting, frozenset(one.id for one in labels[-NEWEST:]) - waiting

    def _whole(self, found: Suspicion, released: Collection[str]) -> Suspicion:
        if not found.group.startswith(SOURCE):
            return found
        own = self._by[found.group.removeprefix(SOURCE)]
        return replace(found, held=tuple(id for id in own if id not in released))


def _usual(ratings: Sequence[Statement]) -> float:
    """The share of contradicting ratings that the first half of them makes likely."""
    first = ratings[: max(1, len(ratings) // 2)]
    return max(GRUMBLING, min(upper_bound(sum(one.contradicts for one in first), len(first)), 0.9))


def _labels(witness: Witness, pairs: Pairs) -> Iterator[Statement]:
    """Labels and corrections that the witness knows. What the reply says too is no contradiction."""
    pairs = [(request, said) for request, said in pairs if witness.knows(tidy(said.value))]
    labels = [tidy(said.value) for _, said in pairs]
    heard = witness.hear([request.text for request, _ in pairs], labels)
    for k, pair in enumerate(pairs):
        against = heard.p[k] <= RARE and pair[0].reply.strip() != labels[k]
        yield _statement(pair, heard.best[k], labels[k], contradicts=against, plain=heard.sure[k])


def _ratings(witness: Witness | None, pairs: Pairs) -> Iterator[Statement]:
    """A reply that plainly is what is known and is called bad contradicts, and one that can hardly be right and is
    called good. Of requests unlike the remembered ones nobody knows which replies are good.
    """
    if witness is None:
        yield from (_statement(pair, "", _word(pair[1]), contradicts=_word(pair[1]) == BAD) for pair in pairs)
        return
    replies = [request.reply.strip() for request, _ in pairs]
    heard = witness.hear([request.text for request, _ in pairs], replies)
    for k, pair in enumerate(pairs):
        good, poor = heard.sure[k] and replies[k] == heard.best[k], heard.p[k] <= RARE
        if good or poor:
            word = _word(pair[1])
            yield _statement(pair, heard.best[k], word, contradicts=word == (BAD if good else GOOD))


def _word(said: Feedback) -> str:
    value = float(said.value)
    return BAD if value <= BAD_RATING else GOOD if value >= GOOD_RATING else ""


def _statement(
    pair: tuple[Interaction, Feedback], known: str, word: str, *, contradicts: bool, plain: bool = True
) -> Statement:
    request, said = pair
    return Statement(
        id=said.id,
        source=said.source,
        time=said.time,
        text=request.text,
        known=known,
        said=word,
        contradicts=contradicts,
        plain=plain,
    )
