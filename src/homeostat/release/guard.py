"""What the rows say about a candidate that is being tried, read from the store.

A pair is one request that both versions answered: one for the user, the other as a copy. Where feedback says what the
reply should have been, D is the candidate's score on it minus the champion's, in [-1, 1]; where it says nothing and
people have judged the pair (`release.preferred`), D says which of the two they prefer. It is computed anew from the
rows at every look, and weighed by games (`release.evidence`). Every request counts once, by the newest thing that
people say about it, or a judge where they say nothing, at the place of the first such thing: who corrects a label
moves nothing. Of a user the requests that were judged first are heard (`stats.depths`), and how many have been judged
is counted in users; where no tag names one, in episodes.

What this rests on: that whether a request gets feedback does not depend on how well the version that the user heard
did on it. Where people only correct what was wrong, a candidate in the canary looks worse than it is, and one in
shadow better. Failures, time and length need no feedback.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from homeostat.config.schema import Release as Settings
from homeostat.metrics.replies import agreement
from homeostat.release.alike import Replied
from homeostat.release.evidence import Evidence, weigh
from homeostat.release.games import Judged, Tried
from homeostat.release.judges import is_judge, truth_of
from homeostat.release.noted import ERROR, RACE
from homeostat.release.preferred import judgments
from homeostat.release.ratings import Usual, told, unheard, usual_rating
from homeostat.release.slices import SLICE_ROWS, names, slices_of
from homeostat.stats.clustered import asker
from homeostat.store import Store
from homeostat.store.notes import Event
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage


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


def _usual(store: Store, release: Release) -> Usual:
    """The champion's usual ratings, kept from the first look of the stage on."""
    key = f"usual:{release.opened}"
    kept = store.state.get(key)
    if not isinstance(kept, dict):
        newest = store.interactions.last(release.task, SLICE_ROWS)
        found = [usual_rating(store, release.champion, newest, judges=judges) for judges in (False, True)]
        people, judges = (None if math.isnan(value) else value for value in found)
        since = max((row.time for row in newest), default=0.0)  # by the clock of the requests, which may be their own
        kept = {"rating": people, "judges": judges, "since": since}
        store.state.put(key, kept)
    people, judges = (math.nan if value is None else float(value) for value in (kept["rating"], kept.get("judges")))
    return Usual(people=people, judges=judges, since=float(kept["since"]))


def tried(store: Store, release: Release) -> Tried:
    """What the rows say of the requests that both versions were put to in this stage."""
    paired, noted = _pairs(store, release), store.events.list(release.opened)
    asked = {row.id: asker(row) for row, _, _ in paired}
    raced = [event.values for event in noted if event.name == RACE]
    usual = _usual(store, release)
    ratings = told(store, release, usual, [(primary, copy) for primary, copy, _ in paired])
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
        rated=ratings.heard,
        usual=usual.people,
        opined=ratings.opined,
        opining=not math.isnan(usual.judges),
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
