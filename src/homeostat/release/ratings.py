"""What people's ratings say of a candidate: thumbs tell of the reply that was heard, and so are no pairs.

In a canary chance decides who hears the candidate, with a probability that is on record. A rating r beside the usual
one c, of the candidate's reply, adds (r - c) a/p, of the champion's it takes off (r - c) a/(1 - p), where p is the
candidate's share at that moment and a the smaller of p and 1 - p: a number in [-1, 1] whose mean is a times the
difference of the two versions, whatever c is (inverse probability weighting; a mean of such numbers may be bet on as of
any other, 2010.09686). So ratings that came under different shares are one game. Requests of one episode were drawn
together and count once, by their mean, for the version that the episode heard first.

Judges rate as well, on a scale of their own, so what they say is told apart, and only of replies that no person rated.
Where a judge rated both replies to a request, the copy's too, the difference is told by chance no longer and counts in
full, in shadow as well. One that says more of the candidate than people do (`loop.overrating`) is not heard in its
trial.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from homeostat.release.judges import believed, is_judge
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage

Pairs = Sequence[tuple[Interaction, Interaction]]
"""What users got, and the copy, oldest first."""
Ratings = Mapping[str, Sequence[Feedback]]
"""Interaction -> the ratings of its reply, oldest first."""
FEWEST = 10
"""Ratings of the champion's newest replies from which on they are bet on."""
_NEAR = 0.05
"""How near to 0 or 1 the usual rating may be set."""
_PAIR = 0.5
"""What a difference of two ratings is multiplied by: within 1 with its margin, and as a rating under a half share."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opined:
    """An episode that judges spoke of."""

    value: float
    """What it adds: in [-1, 1], positive where it speaks for the candidate."""
    weight: float
    """By which the difference of the two versions is multiplied in that."""
    mine: bool
    """Whether it heard the candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """How the champion was usually rated when a stage began, by people and by judges: NaN where they did not."""

    people: float = math.nan
    judges: float = math.nan
    since: float = 0.0
    """From which moment on requests count, by their own clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What ratings say of a trial."""

    heard: Sequence[Heard] = ()
    opined: Sequence[Opined] = ()


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


def usual_rating(store: Store, champion: str, newest: Sequence[Interaction], *, judges: bool = False) -> float:
    """The champion's usual rating by people, or by judges, of its newest replies; NaN where too few were rated to bet
    on any.
    """
    ids = [row.id for row in newest if row.version == champion]
    said = _said(store, newest[0].task, ids) if ids else {}
    found = list((_by_judges(said, ()) if judges else _by_people(said)).values())
    if len(found) < FEWEST:
        return math.nan
    return min(max(sum(found) / len(found), _NEAR), 1.0 - _NEAR)


def told(store: Store, release: Release, usual: Usual, pairs: Pairs) -> Told:
    """What people and judges say of a trial, an episode once, of requests from `usual.since` on: people of replies that
    they heard in a canary, judges of those and of pairs, where no person spoke.
    """
    rows = _drawn(store, release, usual.since)
    ids = {row.id for row in rows} | {one.id for pair in pairs for one in pair}
    said, without = _said(store, release.task, sorted(ids)), unheard(store, release.candidate)
    heard = [] if math.isnan(usual.people) else list(_episodes(release, rows, _by_people(said)).values())
    if math.isnan(usual.judges):
        return Told(heard=heard)
    both = _of_both(release, pairs, said, without)
    alone = _episodes(release, rows, _by_judges(said, without))
    found = [
        Opined(value=one.signed(usual.judges), weight=one.weight, mine=one.mine)
        for episode, one in alone.items()
        if episode not in both
    ]
    return Told(heard=heard, opined=[*both.values(), *found])


def _of_both(
    release: Release,
    pairs: Sequence[tuple[Interaction, Interaction]],
    said: Mapping[str, list[Feedback]],
    without: Collection[str],
) -> dict[str, Opined]:
    """Episode -> the mean difference of the two versions by judges that rated both replies to one of its requests."""
    told: dict[str, tuple[bool, list[float]]] = {}
    for primary, copy in pairs:
        mine = primary.version == release.candidate
        one, other = (_each(said.get(row.id, ()), without) for row in ((primary, copy) if mine else (copy, primary)))
        apart = [one[judge] - other[judge] for judge in one.keys() & other.keys()]
        if apart and not _rated_by_people(said.get(primary.id, ())):
            told.setdefault(primary.episode or primary.id, (mine, []))[1].append(sum(apart) / len(apart))
    return {
        name: Opined(value=_PAIR * sum(values) / len(values), weight=_PAIR, mine=mine)
        for name, (mine, values) in told.items()
    }


def _drawn(store: Store, release: Release, since: float) -> list[Interaction]:
    """The requests of a canary of which chance decided who was heard; none of any other stage."""
    if release.stage is not Stage.CANARY:
        return []
    return [
        row
        for row in store.interactions.list(release.task, since=since)
        if row.version in (release.candidate, release.champion) and 0.0 < row.probability < 1.0
    ]


def _episodes(release: Release, rows: Sequence[Interaction], rated: Mapping[str, float]) -> dict[str, Heard]:
    """Those of them of which anything was rated, by the mean, for the version that each heard first."""
    episodes = dict[str, tuple[Interaction, list[float]]]()
    for row in rows:
        first, told = episodes.setdefault(row.episode or row.id, (row, []))
        if row.id in rated and (row.version, row.probability) == (first.version, first.probability):
            told.append(rated[row.id])
    found = {}
    for name, (first, told) in episodes.items():
        if told:
            mine = first.version == release.candidate
            share = first.probability if mine else 1.0 - first.probability
            found[name] = Heard(rating=sum(told) / len(told), mine=mine, share=share)
    return found


def overrating(candidate: str) -> str:
    """Under which state it stands what judges say of a candidate beside people."""
    return f"overrated:{candidate}"


def unheard(store: Store, candidate: str) -> tuple[str, ...]:
    """Sources that do not count while a candidate is tried: judges that were shown to overrate it."""
    kept = store.state.get(overrating(candidate))
    return tuple(sorted(judge for judge, one in kept.items() if one["shown"])) if isinstance(kept, dict) else ()


def _said(store: Store, task: str, ids: Sequence[str]) -> dict[str, list[Feedback]]:
    """Interaction -> the ratings of its reply, oldest first; none of a judge's since it has changed."""
    found = dict[str, list[Feedback]]()
    for one in believed(store, task, store.feedback.of(ids)) if ids else ():
        if one.kind is FeedbackKind.RATING:
            found.setdefault(one.interaction, []).append(one)
    return found


def _by_people(said: Ratings) -> dict[str, float]:
    """Interaction -> people's newest rating of its reply, in [0, 1]."""
    people = {id: [one for one in ratings if not is_judge(one.source)] for id, ratings in said.items()}
    return {id: _worth(ratings[-1]) for id, ratings in people.items() if ratings}


def _by_judges(said: Ratings, without: Collection[str]) -> dict[str, float]:
    """Interaction -> judges' mean rating of its reply, where no person rated it, but those of some sources."""
    told = {id: _each(ratings, without) for id, ratings in said.items() if not _rated_by_people(ratings)}
    return {id: sum(by.values()) / len(by) for id, by in told.items() if by}


def _each(ratings: Sequence[Feedback], without: Collection[str]) -> dict[str, float]:
    """Judge -> its newest rating of one reply, in [0, 1], but those of some sources."""
    return {one.source: _worth(one) for one in ratings if is_judge(one.source) and one.source not in without}


def _rated_by_people(ratings: Sequence[Feedback]) -> bool:
    return any(not is_judge(one.source) for one in ratings)


def _worth(rating: Feedback) -> float:
    return min(max(float(rating.value), 0.0), 1.0)
