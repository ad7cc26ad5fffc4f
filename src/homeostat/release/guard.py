"""What the rows say about a candidate that is being tried: evidence that may be looked at after every row.

A pair is one request that both versions answered: one for the user, the other as a copy. Where feedback says what the
reply should have been, D is the candidate's score on it minus the champion's, in [-1, 1]; where it says nothing and
people have judged the pair (`release.preferred`), D says which of the two they prefer. Games (`release.games`) gather
evidence of harm in quality, overall and in every slice of the traffic, and in failures, time and length; their mirror
is evidence that no harm is done. Each is wrong with probability at most its alpha however often one looks. Wealth is
a product over users, so feedback may come late and in any order: it is computed anew from the rows, and every
request counts once, by the newest thing that people say about it, or a judge where they say nothing, at the place of
the first such thing: who corrects a label moves nothing. Of a user the requests that were judged first are heard
(`stats.depths`), and how many have been judged is counted in users; where no tag names one, in episodes.

What this rests on: that whether a request gets feedback does not depend on how well the version that the user heard
did on it. Where people only correct what was wrong, a candidate in the canary looks worse than it is, and one in
shadow better. Failures, time and length need no feedback.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.config.schema import Release as Settings
from homeostat.metrics.replies import agreement
from homeostat.release.alike import PART, Replied
from homeostat.release.games import (
    COST,
    ERRORS,
    JUDGES,
    LATENCY,
    QUALITY,
    RATINGS,
    Game,
    Games,
    Judged,
    Tried,
    played,
)
from homeostat.release.judges import is_judge, truth_of
from homeostat.release.preferred import judgments
from homeostat.release.ratings import heard, opined, unheard, usual_rating
from homeostat.stats.clustered import cluster_of, whose
from homeostat.store import Store
from homeostat.store.notes import Event
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage

ERROR, RACE = "error", "race"
"""Names of the events that tell of a version that could not answer, and of how long both took for a request."""
SLICE_ROWS, SLICE_SHARE, MOST_SLICES = 1000, 0.1, 12
"""Slices are values of tags that at least this share of so many newest requests had when the stage began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the requests of one stage of a release say."""

    pairs: int
    """Requests that both versions answered, and those that one of them failed on."""
    judged: int
    """Those of them of which it is known how well both did."""
    candidate: float
    """Mean score of the candidate on the judged ones, in [0, 1]."""
    champion: float
    """Mean score of the champion on the same."""
    errors: int
    """Requests that the candidate failed on."""
    harm: float
    """Natural logarithm of the wealth against "the candidate does no harm", over all games."""
    safe: float
    """Natural logarithm of the least wealth against "the candidate is worse by `harm_margin` or more", overall and in
    every slice."""
    games: tuple[Game, ...] = ()
    """What is bet on, each by itself."""
    rated: int = 0
    """Episodes that heard the candidate and were rated."""
    opined: int = 0
    """Those of them that judges rated, and no person."""
    users: int = 0
    """Of whom a pair was judged: users, or episodes where no user is named; each pair where neither is."""
    enough: int = 0
    """Judged pairs after which a candidate that has to show that it is safe is given up."""
    alike: float = 0.0
    """Natural logarithm of the least wealth against the same by replies that are the same alone, without any label."""
    differing: float = 0.0
    """Share of the pairs in which the replies differ."""
    unheard: str = ""
    """Judges whose ratings do not count, for they overrate the candidate."""

    @staticmethod
    def of(scores: Sequence[tuple[float, float]], settings: Settings, *, pairs: int = 0) -> Evidence:
        """What judged pairs say, in their order: the score of the candidate and of the champion, each in [0, 1]."""
        judged = [Judged(candidate=ours, champion=theirs) for ours, theirs in scores]
        return weigh(Tried(judged=judged, pairs=max(pairs, len(judged)), answered=len(judged)), {}, settings)

    @property
    def difference(self) -> float:
        """Candidate minus champion, over pairs and ratings; 0 while nothing is known."""
        pairs = self.judged * (self.candidate - self.champion)
        parts = {RATINGS: self.rated - self.opined, JUDGES: self.opined}
        ratings = sum(parts[game.name] * game.mean for game in self.games if game.name in parts)
        return (pairs + ratings) / max(self.judged + self.rated, 1)

    @property
    def failing(self) -> bool:
        """Whether the candidate fails more often than the champion by more than is borne, shown or not."""
        return any(game.name == ERRORS and game.mean < -game.margin for game in self.games)

    def harm_shown(self, settings: Settings) -> bool:
        """Whether the candidate is shown to do harm in any of the games."""
        return self.harm >= _threshold(settings.harm_alpha)

    def safety_shown(self, settings: Settings) -> bool:
        """Whether it is shown not to be worse by `harm_margin`, overall and in every slice."""
        return self.safe >= _threshold(settings.alpha)

    def alike_shown(self, settings: Settings) -> bool:
        """Whether its replies alone show that, as hardly any of them is another than the champion's.

        After no fewer pairs than are judged at most: replies say nothing of time and failures, which have to show too.
        """
        return self.pairs >= settings.most_feedback and self.alike + math.log(PART) >= _threshold(settings.alpha)

    def fit(self, settings: Settings, *, passed: bool) -> bool | None:
        """Whether a canary has shown its candidate fit to answer everything; None while that is open.

        `passed` says that the gate let it pass; a candidate that no gate let pass has to show that it is safe.
        """
        if self.harm_shown(settings):
            return False
        fit = self.difference >= 0.0 and not self.failing and (passed or self.safety_shown(settings))
        most = settings.most_feedback if passed else max(self.enough, settings.most_feedback)
        waited = self.judged + self.rated >= most  # labels are paid for one by one, whoever asked
        if fit and (waited or self.users + self.rated >= settings.canary_feedback or self.alike_shown(settings)):
            return True
        return False if waited else None

    def blamed(self) -> str:
        """The game that shows most harm, in words."""
        game = max(self.games, key=lambda one: one.weighed)
        points = 100 * abs(game.mean)
        said = {
            QUALITY: f"quality, {points:.1f} points below",
            ERRORS: f"failures, {self.errors} of {game.n} requests",
            LATENCY: f"time, much slower in {points:.0f} % more of {game.n} requests",
            COST: f"length, much longer in {points:.0f} % more of {game.n} replies",
            RATINGS: f"ratings, {points:.1f} points below in {game.n} rated episodes",
            JUDGES: f"what judges say, {points:.1f} points below in {game.n} episodes",
        }
        return said.get(game.name, f"quality where {game.name}, {points:.1f} points below in {game.n} judged")


def weigh(tried: Tried, slices: Mapping[str, float], settings: Settings) -> Evidence:
    """What is known as evidence; `slices` are the planned ones, each with its share of the traffic."""
    games: Games = played(tried, tuple(slices), settings.harm_margin)
    n = len(tried.judged)
    return Evidence(
        pairs=max(tried.pairs, n) + sum(tried.failed),
        judged=n,
        candidate=sum(one.candidate for one in tried.judged) / n if n else 0.0,
        champion=sum(one.champion for one in tried.judged) / n if n else 0.0,
        errors=tried.failed[0] + tried.failed[2],
        harm=games.harm,
        safe=games.safe,
        games=games.telling,
        alike=min(games.alike, default=0.0),
        differing=sum(not one.same for one in tried.replied) / max(len(tried.replied), 1),
        users=n if (of := whose([one.whose for one in tried.judged])) is None else len(set(of.tolist())),
        rated=sum(one.mine for one in tried.rated) + sum(one.mine for one in tried.opined),
        opined=sum(one.mine for one in tried.opined),
        enough=math.ceil(settings.most_feedback / min(slices.values(), default=1.0)),
    )


def note_error(store: Store, release: Release, version: str, interaction: str, what: str) -> None:
    """Remember that a version failed to answer a request while this release was in force.

    A failure counts with no need for feedback; two of one version on one request count once.
    """
    store.events.append(release.opened, ERROR, {"version": version, "interaction": interaction, "what": what})


def note_race(store: Store, release: Release, interaction: str, took_ms: Mapping[str, float]) -> None:
    """Remember how long each version took for the same request, one right after the other, while nobody waited."""
    values = {"interaction": interaction, "took_ms": dict(took_ms)}
    store.events.append(release.opened, RACE, values)


def gather(store: Store, release: Release, settings: Settings) -> Evidence:
    """The evidence of the stage that a release is in, from the rows as they are now."""
    found = weigh(tried(store, release), planned(store, release), settings)
    return replace(found, unheard=", ".join(unheard(store, release.candidate)))


def planned(store: Store, release: Release) -> dict[str, float]:
    """The slices that are bet on in this stage, with their shares: chosen once, by traffic alone, at the first look."""
    key = f"slices:{release.opened}"
    kept = store.state.get(key)
    if not isinstance(kept, dict):
        kept = slices_of(store.interactions.last(release.task, SLICE_ROWS))
        store.state.put(key, kept)
    return {name: float(share) for name, share in kept.items()}


def _usual(store: Store, release: Release) -> tuple[float, float, float]:
    """The champion's usual rating by people and by judges, kept from the first look of the stage on, NaN where they did
    not rate replies then; and the moment from which on ratings count.
    """
    key = f"usual:{release.opened}"
    kept = store.state.get(key)
    if not isinstance(kept, dict):
        newest = store.interactions.last(release.task, SLICE_ROWS)
        found = [usual_rating(store, release.champion, newest, judges=judges) for judges in (False, True)]
        people, judges = (None if math.isnan(value) else value for value in found)
        since = max((row.time for row in newest), default=0.0)  # by the clock of the requests, which may be their own
        kept = {"rating": people, "judges": judges, "since": since}
        store.state.put(key, kept)
    values = (kept["rating"], kept.get("judges"))
    people, judges = (math.nan if value is None else float(value) for value in values)
    return people, judges, float(kept["since"])


def slices_of(rows: Sequence[Interaction]) -> dict[str, float]:
    """Values of tags with their shares, the largest first, of those that are neither rare nor nearly everything."""
    counts = Counter(name for row in rows for name in names(row))
    shares = {name: count / len(rows) for name, count in counts.most_common()}
    return dict([(n, s) for n, s in shares.items() if SLICE_SHARE <= s <= 1 - SLICE_SHARE][:MOST_SLICES])


def names(row: Interaction) -> list[str]:
    """The slices that a request is in."""
    return [f"{tag}={value}" for tag, value in row.tags.items()]


def tried(store: Store, release: Release) -> Tried:
    """What the rows say of the requests that both versions were put to in this stage."""
    paired, noted = _pairs(store, release), store.events.list(release.opened)
    asked = {row.id: asker(row) for row, _, _ in paired}
    raced = [event.values for event in noted if event.name == RACE]
    people, judges, since = _usual(store, release)
    both = [(primary, copy) for primary, copy, _ in paired]
    answered = sum(primary.version == release.champion for primary, _, _ in paired)
    if release.stage is Stage.CANARY:  # those whose copy still waits among them, as failures are not waited for
        answered += store.interactions.count(release.task, version=release.candidate)
    return Tried(
        judged=_judged(store, release, paired),
        pairs=len(paired),
        replied=[
            Replied(same=primary.reply == copy.reply, slices=frozenset(names(primary)), whose=asker(primary))
            for primary, copy, _ in paired
        ],
        answered=answered,
        failed=_failed(release, noted),
        raced=[(float(one["took_ms"][release.candidate]), float(one["took_ms"][release.champion])) for one in raced],
        racers=[asked.get(str(one["interaction"]), "") for one in raced],
        lengths=[_turned(release, primary, primary.reply_tokens, copy.reply_tokens) for primary, copy, _ in paired],
        readers=[asker(row) for row, _, _ in paired],
        rated=[] if math.isnan(people) else heard(store, release, since),
        usual=people,
        opined=[] if math.isnan(judges) else opined(store, release, since, judges, both),
        opining=not math.isnan(judges),
    )


Triple = tuple[Interaction, Interaction, Feedback | None]
"""The reply the user got, the copy, and what the reply should have been where known."""


def _pairs(store: Store, release: Release) -> list[Triple]:
    """In shadow users heard the champion and the candidate answered copies; in the canary it goes both ways.

    A pair of the shadow stage does not count in the canary: there the champion was picked for certain.
    """
    copies = store.interactions.shadows(release.task, release.candidate)
    heard_champion = [row for row in copies if row[0].version == release.champion]
    if release.stage is not Stage.CANARY:
        return heard_champion
    copies = store.interactions.shadows(release.task, release.champion)
    heard_candidate = [row for row in copies if row[0].version == release.candidate]
    canary = [*heard_candidate, *(row for row in heard_champion if row[0].probability < 1.0)]
    return sorted(canary, key=lambda row: (row[0].time, row[0].id))


def _judged(store: Store, release: Release, paired: Sequence[Triple]) -> list[Judged]:
    """The scores of the pairs of which feedback tells, in the order in which it came; elsewhere what people prefer."""
    labels = bool(store.versions.get(release.champion).labels)
    found, asked = list[tuple[float, Judged]](), judgments(store, release.candidate)
    known = _truths(store, release, [primary.id for primary, _, truth in paired if truth is not None])
    for primary, copy, _ in paired:
        when, truth = known.get(primary.id, (math.inf, None))
        if truth is not None:
            heard, copied = (_score(row.reply, truth.value, labels=labels) for row in (primary, copy))
            ours, theirs = _turned(release, primary, heard, copied)
        elif said := asked.get(primary.id):
            ours = float(np.mean(list(said.values())))
            theirs = 1.0 - ours
        else:
            continue
        inside = frozenset(names(primary))
        found.append((when, Judged(candidate=ours, champion=theirs, slices=inside, whose=asker(primary))))
    return [one for _, one in sorted(found, key=lambda each: each[0])]


def _truths(store: Store, release: Release, requests: Sequence[str]) -> dict[str, tuple[float, Feedback]]:
    """Request -> when the first of those spoke whose word counts, and what is right by the newest: people's, or a
    judge's where they say nothing, unless it overrates the candidate. What was asked for because the model was unsure
    tells of no request.
    """
    said, without = dict[str, list[Feedback]](), unheard(store, release.candidate)
    for one in store.feedback.of(requests) if requests else ():  # oldest first
        if one.kind in TRUTHS and one.source not in without:
            said.setdefault(one.interaction, []).append(one)
    found = dict[str, tuple[float, Feedback]]()
    for request, statements in said.items():
        newest = truth_of(statements)
        if newest is not None and not newest.picked:
            alike = [one for one in statements if is_judge(one.source) == is_judge(newest.source) and not one.picked]
            found[request] = (alike[0].time, newest)
    return found


def asker(row: Interaction) -> str:
    """Whose request it is: the user's that a tag names, else the episode's; empty where neither is known."""
    return cluster_of(row.tags) or (f"episode {row.episode}" if row.episode else "")


def _turned(release: Release, primary: Interaction, heard: float, copied: float) -> tuple[float, float]:
    """Of two amounts, that of the user's reply and that of the copy, first the candidate's."""
    return (heard, copied) if primary.version == release.candidate else (copied, heard)


def _score(reply: str, truth: str, *, labels: bool) -> float:
    """How good a reply is, in [0, 1]: right or wrong for labels, else `metrics.replies.agreement`."""
    return float(reply == truth) if labels else agreement(reply, truth)


def _failed(release: Release, noted: Iterable[Event]) -> tuple[int, int, int]:
    """Requests that the candidate alone failed on, the champion alone, and both; each once."""
    who = defaultdict(set)
    for event in noted:
        if event.name == ERROR:
            who[event.values["interaction"]].add(event.values["version"])
    ours = [versions for versions in who.values() if release.candidate in versions]
    both = sum(release.champion in versions for versions in ours)
    return len(ours) - both, sum(release.champion in versions for versions in who.values()) - both, both


def _threshold(alpha: float) -> float:
    """Logarithm of the wealth that is significant; infinite where no error is allowed."""
    return -math.log(alpha) if alpha > 0.0 else math.inf
