"""What a judge says of live requests without a label, beside each that has one: fewer labels decide a second look.

Of a labeled request on which the versions differ, `stats.assisted` wants to know by how much the judge likes the
candidate's reply better there than on requests of the same kind that nobody labeled. These are the newest ones before
it on which the versions differ as well, of users of whom nothing was labeled, as each is heard once; each stands beside
one label, and if somebody labels it after all, that label counts no more. Which judge it is, is fixed when a
candidate's first labels are taken: whoever has rated most.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from homeostat.loop.proving.later import Book, Triple
from homeostat.release.judges import believed, is_judge
from homeostat.stats.assisted import MOST
from homeostat.stats.clustered import asker
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release

FEWEST = 20
"""Requests on which the versions differ, and of which a judge has rated both replies, from which on it is heeded."""

Word = tuple[float, float, int]
Rated = dict[str, tuple[float, float]]
"""Interaction -> when a judge rated its reply first, and how well, in [0, 1]."""


@dataclass(slots=True)
class Help:
    """A judge, and the requests that may still stand beside a label."""

    judge: str
    ratings: Rated
    candidate: str
    pool: list[tuple[Interaction, Interaction]]
    """In the order in which they came."""
    spent: list[str] = field(default_factory=list)
    """Those that stand beside one by now."""

    def word(self, heard: Interaction, copy: Interaction, truth: Feedback) -> Word | None:
        """What the judge says of a labeled request, what of those beside it on average, and how many these are; None
        where it has rated the request only since it was labeled, or there are none.
        """
        both = [self.ratings.get(one.id) for one in (heard, copy)]
        if heard.reply == copy.reply or any(one is None or one[0] > truth.time for one in both):
            return None
        before = [k for k, (row, _) in enumerate(self.pool) if (row.time, row.id) < (heard.time, heard.id)][-MOST:]
        if not before:
            return None
        beside = [self.pool.pop(k) for k in reversed(before)]
        self.spent += [row.id for row, _ in beside]
        rest = sum(self.said(*pair) for pair in beside) / len(beside)
        return self.said(heard, copy), rest, len(beside)

    def said(self, heard: Interaction, copy: Interaction) -> float:
        """By how much it likes the candidate's reply better, in [-1, 1]."""
        mine, theirs = (heard, copy) if heard.version == self.candidate else (copy, heard)
        return self.ratings[mine.id][1] - self.ratings[theirs.id][1]


def help_of(store: Store, release: Release, both: Sequence[Triple], book: Book, new: Collection[str]) -> Help | None:
    """The judge that helps with a candidate's labels, and what it can say; None where none has said enough.

    Args:
        store: where the ratings are.
        release: the trial.
        both: the requests that both versions answered.
        book: what was taken of them.
        new: those that are taken now.
    """
    apart = [(heard, copy) for heard, copy, _ in both if heard.reply != copy.reply]
    said = _ratings(store, release.task, apart)
    counts = {judge: sum(a.id in of and b.id in of for a, b in apart) for judge, of in said.items()}
    judge = book.judge or max(sorted(counts), key=lambda one: counts[one], default="")
    if not judge or (not book.judge and counts[judge] < FEWEST):
        return None
    ratings, gone = said.get(judge, {}), {*book.spent, *new, *(pair.row.id for pair in book.pairs)}
    free = {heard.id for heard, _, truth in both if truth is None or (truth.picked and not truth.lot)} - gone
    heard_of = {asker(heard) for heard, _, truth in both if heard.id not in free and truth is not None} - {""}
    pool = [
        pair
        for pair in apart
        if pair[0].id in free and asker(pair[0]) not in heard_of and all(one.id in ratings for one in pair)
    ]
    return Help(judge, ratings, release.candidate, sorted(pool, key=lambda pair: (pair[0].time, pair[0].id)))


def _ratings(store: Store, task: str, apart: Sequence[tuple[Interaction, Interaction]]) -> dict[str, Rated]:
    """Judge -> its first ratings of these replies; nothing since it has changed."""
    given = store.feedback.of([one.id for pair in apart for one in pair])
    found: dict[str, Rated] = {}
    for one in believed(store, task, given):  # oldest first
        if one.kind is FeedbackKind.RATING and is_judge(one.source):
            worth = min(max(float(one.value), 0.0), 1.0)
            found.setdefault(one.source, {}).setdefault(one.interaction, (one.time, worth))
    return found
