"""What people's ratings say of a candidate: thumbs tell of the reply that was heard, and so are no pairs.

In a canary chance decides who hears the candidate, with a probability that is on record. A rating r beside the usual
one c, of the candidate's reply, adds (r - c) a/p, of the champion's it takes off (r - c) a/(1 - p), where p is the
candidate's share at that moment and a the smaller of p and 1 - p: a number in [-1, 1] whose mean is a times the
difference of the two versions, whatever c is (inverse probability weighting; a mean of such numbers may be bet on as of
any other, 2010.09686). So ratings that came under different shares are one game. Requests of one episode were drawn
together and count once, by their mean, for the version that the episode heard first.

Judges rate as well. One that says more of the candidate than people do (`loop.overrating`) is not heard in its trial.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage

FEWEST = 10
"""Ratings of the champion's newest replies from which on they are bet on."""
_NEAR = 0.05
"""How near to 0 or 1 the usual rating may be set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An episode that was rated."""

    rating: float
    """Mean of its ratings, in [0, 1]."""
    mine: bool
    """Whether it heard the candidate."""
    share: float
    """The candidate's share of the episodes when it began, between 0 and 1."""

    @property
    def weight(self) -> float:
        """By which the difference of two versions is multiplied in what this adds."""
        return min(self.share, 1.0 - self.share)

    @property
    def counted(self) -> float:
        """How much its rating counts for the version that was heard: the smaller chance over its own."""
        return self.weight / (self.share if self.mine else 1.0 - self.share)

    def signed(self, usual: float) -> float:
        """What it adds: in [-1, 1], positive where it speaks for the candidate."""
        return (1.0 if self.mine else -1.0) * (self.rating - usual) * self.counted


def liked_more(told: Sequence[Heard]) -> float:
    """By how much the candidate's replies were rated higher: both means by inverse chances, each over its own sum
    (Hájek 1971), so that a version which was heard more often by luck gains nothing by that. 0 while one was not rated.
    """
    means = []
    for mine in (True, False):
        counted = [(one.counted, one.rating) for one in told if one.mine is mine]
        if not counted:
            return 0.0
        means.append(sum(weight * rating for weight, rating in counted) / sum(weight for weight, _ in counted))
    return means[0] - means[1]


def usual_rating(store: Store, champion: str, newest: Sequence[Interaction]) -> float:
    """The champion's usual rating, by its newest replies; NaN where too few were rated to bet on any."""
    found = list(_ratings(store, [row.id for row in newest if row.version == champion]).values())
    if len(found) < FEWEST:
        return math.nan
    return min(max(sum(found) / len(found), _NEAR), 1.0 - _NEAR)


def heard(store: Store, release: Release, since: float) -> list[Heard]:
    """The episodes of a canary that were rated, by requests from `since` on; none of any other stage."""
    if release.stage is not Stage.CANARY:
        return []
    rows = [
        row
        for row in store.interactions.list(release.task, since=since)
        if row.version in (release.candidate, release.champion) and 0.0 < row.probability < 1.0
    ]
    without = unheard(store, release.candidate)
    said, episodes = _ratings(store, [row.id for row in rows], without), dict[str, tuple[Interaction, list[float]]]()
    for row in rows:
        first, told = episodes.setdefault(row.episode or row.id, (row, []))
        if row.id in said and (row.version, row.probability) == (first.version, first.probability):
            told.append(said[row.id])
    found = []
    for first, told in episodes.values():
        if told:
            mine = first.version == release.candidate
            share = first.probability if mine else 1.0 - first.probability
            found.append(Heard(rating=sum(told) / len(told), mine=mine, share=share))
    return found


def overrating(candidate: str) -> str:
    """Under which state it stands what judges say of a candidate beside people."""
    return f"overrated:{candidate}"


def unheard(store: Store, candidate: str) -> tuple[str, ...]:
    """Sources whose ratings do not count while a candidate is tried: judges that were shown to overrate it."""
    kept = store.state.get(overrating(candidate))
    return tuple(sorted(judge for judge, one in kept.items() if one["shown"])) if isinstance(kept, dict) else ()


def _ratings(store: Store, ids: Sequence[str], without: Collection[str] = ()) -> dict[str, float]:
    """Interaction -> the newest rating of its reply, in [0, 1], but those of some sources."""
    found = dict[str, float]()
    for one in store.feedback.of(list(ids)):  # oldest first
        if one.kind is FeedbackKind.RATING and one.source not in without:
            found[one.interaction] = min(max(float(one.value), 0.0), 1.0)
    return found
