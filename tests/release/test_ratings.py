"""Thumbs decide about a candidate where nobody corrects: what was heard by chance is weighed by that chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.games import JUDGES, QUALITY, RATINGS, STAKES, Judged, Tried, played
from homeostat.release.guard import gather
from homeostat.release.ratings import (
    FEWEST,
    Heard,
    Opined,
    Told,
    Usual,
    liked_more,
    overrating,
    told,
    usual_rating,
)
from homeostat.release.registry import promote
from homeostat.release.rollout import advance, open_canary, open_shadow
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome
from release.rehearsal import TASK, add_verdict, add_version, open_store

OLD, NEW = "ver_old", "ver_new"
JUDGE = "judge:large"
SETTINGS = Settings(shadow_pairs=0, canary_share=(0.5,), canary_feedback=40)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion whose replies were rated, and a candidate that the gate let pass; tasks of text."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old", labels=()), "first", now=1.0)
        add_verdict(opened, add_version(opened, "new", labels=()), Outcome.PASS)
        rated(opened, OLD, [1.0] * 14 + [0.0] * 6, at=50.0, chance=1.0)
        yield opened


def rated(
    store: Store, version: str, ratings: list[float], *, at: float, chance: float, episode: str = "", name: str = ""
) -> None:
    """Requests that a version answered, by this chance, each rated."""
    rows = [
        Interaction(
            id=f"int_{name or version}{at:.0f}x{k:04}",
            task=TASK,
            time=at + k / 1e3,
            text="hello",
            reply="good day",
            version=version,
            probability=chance,
            episode=episode,
        )
        for k in range(len(ratings))
    ]
    store.interactions.add(rows)
    store.feedback.add(
        Feedback(id=f"fbk_{row.id}", interaction=row.id, kind=FeedbackKind.RATING, value=str(value), time=at + 1.0)
        for row, value in zip(rows, ratings, strict=True)
    )


def both(store: Store, n: int, mine: float, theirs: float, *, at: float = 100.0, share: float = 0.5) -> None:
    """N episodes, dealt by the share; so often liked."""
    rng = np.random.default_rng(int(at))
    luck, drawn = rng.random(n), rng.random(n) < share
    rated(store, NEW, (luck[drawn] < mine).astype(float).tolist(), at=at, chance=share)
    rated(store, OLD, (luck[~drawn] < theirs).astype(float).tolist(), at=at, chance=1.0 - share)


def canary(store: Store, settings: Settings = SETTINGS) -> Release:
    release = open_canary(store, TASK, NEW, settings, "canary", now=2.0)
    gather(store, release, settings)  # the first look, by which the usual rating is told
    return release


def opinion(store: Store, ids: list[str], values: list[float], *, at: float = 500.0, source: str = JUDGE) -> None:
    """What a judge, or somebody, thinks of replies."""
    store.feedback.add(
        Feedback(
            id=f"fbk_{source}{id}{at}", interaction=id, kind=FeedbackKind.RATING, value=str(v), time=at, source=source
        )
        for id, v in zip(ids, values, strict=True)
    )


def answered(store: Store, n: int, *, at: float, chance: float = 1.0) -> list[str]:
    """Requests that the champion answered, and the candidate as copies; their ids, those of copies end in `s`."""
    ids = [f"int_{at:.0f}y{k:04}" for k in range(n)]
    row = Interaction(id="", task=TASK, time=at, text="hello", reply="good day", version=OLD, probability=chance)
    store.interactions.add(replace(row, id=id) for id in ids)
    store.interactions.add(replace(row, id=f"{id}s", version=NEW, role=Role.SHADOW, of=id) for id in ids)
    return ids


@pytest.mark.parametrize("share", [0.0125, 0.2, 0.5, 0.9])
def test_what_is_added_has_the_difference_as_its_mean(share: float) -> None:
    """Times the smaller share, whatever the usual rating is taken to be; and never beyond 1."""
    for usual in (0.05, 0.7):
        for mine, theirs in ((0.9, 0.9), (0.4, 0.8)):
            one, other = (Heard(rating=1.0, mine=side, share=share) for side in (True, False))
            none = [replace(each, rating=0.0) for each in (one, other)]
            chances = [share * mine, (1 - share) * theirs, share * (1 - mine), (1 - share) * (1 - theirs)]
            values = [each.signed(usual) for each in (one, other, *none)]
            assert np.dot(chances, values) == pytest.approx(one.weight * (mine - theirs))
            assert max(map(abs, values)) <= 0.95


def test_who_is_heard_more_often_by_luck_gains_nothing() -> None:
    """Means are compared, each over those who heard the version; of one version alone nothing is told."""
    told = [Heard(rating=0.8, mine=mine, share=0.5) for mine in [True] * 5 + [False] * 20]
    assert liked_more(told) == pytest.approx(0.0)
    more = [*told, Heard(rating=1.0, mine=True, share=0.25)]  # counts once, beside a half share's once
    assert liked_more(more) == pytest.approx((5 * 0.8 + 1.0) / 6 - 0.8)
    assert liked_more(told[:5]) == liked_more([]) == 0.0


def test_ratings_that_came_under_several_shares_are_one_game() -> None:
    """At the edge, five points below: harm is shown in at most 5 % of 340 trials though one looks at many moments; a
    candidate that is liked 40 points less is caught within 400 episodes in most.
    """
    rng, shown, caught = np.random.default_rng(5), 0, 0
    for run in range(400):
        below = 0.4 if run < 60 else 0.05
        share = np.repeat([0.05, 0.2], 200)
        mine = rng.random(400) < share
        liked = rng.random(400) < np.where(mine, 0.75 - below, 0.75)
        told = [
            Heard(rating=float(a), mine=bool(b), share=float(c)) for a, b, c in zip(liked, mine, share, strict=True)
        ]
        looks = (400,) if run < 60 else (100, 200, 300, 400)
        games = [played(Tried(rated=told[:n], usual=0.75), (), 0.05).all[-1] for n in looks]
        crossed = any(game.harm >= math.log(20.0) for game in games)
        shown += crossed and run >= 60
        caught += crossed and run < 60
    assert shown <= 0.05 * 340
    assert caught >= 30


def test_stakes_are_shared_only_where_people_rate() -> None:
    """Half of what is staked on quality; where nobody rates, nothing is taken from it."""
    judged = [Judged(candidate=1.0, champion=1.0)]
    plain = {game.name: game.stake for game in played(Tried(judged=judged), (), 0.05).all}
    thumbs = {game.name: game.stake for game in played(Tried(judged=judged, usual=0.7), (), 0.05).all}
    assert RATINGS not in plain
    assert thumbs[RATINGS] == STAKES[QUALITY] / 2
    assert sum(thumbs.values()) == pytest.approx(sum(plain.values())) == pytest.approx(1.0)


def test_the_usual_rating_is_the_champions(store: Store) -> None:
    """Of its newest replies; of too few there is none, and it never is certain."""
    newest = store.interactions.last(TASK, 100)
    assert usual_rating(store, OLD, newest) == pytest.approx(0.7)
    assert math.isnan(usual_rating(store, OLD, newest[: FEWEST - 1]))
    assert math.isnan(usual_rating(store, NEW, newest))
    rated(store, NEW, [1.0] * FEWEST, at=60.0, chance=1.0)
    assert usual_rating(store, NEW, store.interactions.last(TASK, FEWEST)) == 0.95


def test_a_candidate_that_people_like_less_is_taken_back(store: Store) -> None:
    """By thumbs alone, without a label or a correction; the sentence says so."""
    canary(store)
    both(store, 300, mine=0.2, theirs=0.7)
    row = advance(store, TASK, SETTINGS, now=44.0)
    assert row.stage is Stage.ROLLBACK
    assert "most in ratings, " in row.because
    assert "points below in 300 rated episodes" in row.because


def test_a_candidate_that_people_like_as_well_is_released(store: Store) -> None:
    """Forty rated replies of its own stand for forty judged pairs, if the gate let it pass; else pairs are needed."""
    release = canary(store)
    both(store, 60, mine=1.0, theirs=0.7)
    assert advance(store, TASK, SETTINGS, now=5.0) == release
    both(store, 60, mine=1.0, theirs=0.7, at=200.0)
    seen = gather(store, release, SETTINGS)
    assert (seen.judged, seen.rated >= 40, seen.difference > 0.0) == (0, True, True)
    assert seen.fit(SETTINGS, passed=True) is True
    assert seen.fit(SETTINGS, passed=False) is None
    full = advance(store, TASK, SETTINGS, now=6.0)
    assert full.stage is Stage.FULL
    assert f"(none judged, {seen.rated} rated)" in full.because


def test_few_ratings_at_a_small_share_raise_it(store: Store) -> None:
    """A sixteenth of the traffic rates a sixteenth as much: the share rises when the largest would have had enough."""
    ramp = replace(SETTINGS, canary_share=(0.025, 0.4))
    release = canary(store, ramp)
    rated(store, NEW, [1.0], at=100.0, chance=0.025)
    assert advance(store, TASK, ramp, now=5.0) == release
    rated(store, NEW, [1.0], at=110.0, chance=0.025)
    assert advance(store, TASK, ramp, now=6.0).share == 0.4


def test_an_episode_counts_once(store: Store) -> None:
    """By the mean of its ratings, for the version that it heard first; what was not drawn counts not at all."""
    release = canary(store)
    rated(store, NEW, [1.0, 0.0, 0.0, 0.0], at=100.0, chance=0.5, episode="one", name="a")
    rated(store, OLD, [1.0], at=101.0, chance=0.5, episode="one", name="b")
    rated(store, OLD, [1.0], at=102.0, chance=1.0, name="c")  # answered in the place of one that failed
    rated(store, OLD, [0.0], at=103.0, chance=0.5, name="d")
    assert told(store, release, Usual(people=0.5, since=60.0), []).heard == [
        Heard(rating=0.25, mine=True, share=0.5),
        Heard(rating=0.0, mine=False, share=0.5),
    ]
    assert told(store, release, Usual(people=0.5, since=102.5), []).heard == [Heard(rating=0.0, mine=False, share=0.5)]


def test_copies_are_rated_by_nobody(store: Store) -> None:
    """In shadow users hear the champion alone: ratings say nothing of the candidate."""
    open_shadow(store, TASK, NEW, now=2.0)
    release = store.releases.current(TASK)
    assert release is not None
    rated(store, OLD, [0.0] * 30, at=100.0, chance=1.0)
    seen = gather(store, release, SETTINGS)
    assert seen.rated == 0
    assert told(store, release, Usual(people=0.5, judges=0.5), []) == Told(heard=[], opined=[])


def test_a_judge_takes_no_persons_place(store: Store) -> None:
    """However late it rates: a person's rating stays what it was, and the judge is not counted beside it."""
    release = canary(store)
    rated(store, NEW, [1.0, 1.0], at=100.0, chance=0.5, name="a")
    before = gather(store, release, SETTINGS)
    opinion(store, ["int_a100x0000", "int_a100x0001"], [0.0, 0.0])
    assert gather(store, release, SETTINGS) == before
    found = told(store, release, Usual(people=0.5, judges=0.5, since=60.0), [])
    assert ([one.rating for one in found.heard], found.opined) == ([1.0, 1.0], [])


def test_judges_have_a_game_of_their_own(store: Store) -> None:
    """Where they rated the champion's replies before. Of both replies in full and of what was heard by its chance, an
    episode once; with people they share the stake.
    """
    known = [f"int_{OLD}50x{k:04}" for k in range(20)]
    rows = store.interactions.last(TASK, 100)
    assert math.isnan(usual_rating(store, OLD, rows, judges=True))
    opinion(store, known, [0.9] * 20)
    assert math.isnan(usual_rating(store, OLD, rows, judges=True))  # people have rated them all
    more = [replace(rows[0], id=f"int_more{k}", time=70.0 + k) for k in range(FEWEST)]
    store.interactions.add(more)
    opinion(store, [row.id for row in more], [0.6] * FEWEST)
    assert usual_rating(store, OLD, store.interactions.last(TASK, 100), judges=True) == pytest.approx(0.6)
    release = canary(store)
    ids = answered(store, 2, at=100.0, chance=0.5)
    opinion(store, [ids[0], f"{ids[0]}s", ids[1]], [0.8, 0.2, 0.8])
    pairs = [(store.interactions.get(id), store.interactions.get(f"{id}s")) for id in ids]
    usual = Usual(judges=0.6, since=90.0)  # people rated nothing then
    assert told(store, release, usual, pairs).heard == []
    assert told(store, release, usual, pairs).opined == [
        Opined(value=pytest.approx(0.5 * (0.2 - 0.8)), weight=0.5, mine=False),
        Opined(value=pytest.approx(-0.5 * (0.8 - 0.6) / 0.5), weight=0.5, mine=False),
    ]
    seen = gather(store, release, SETTINGS)
    stakes = {game.name: game.stake for game in seen.games}
    assert stakes[RATINGS] == stakes[JUDGES] == STAKES[QUALITY] / 4
    assert sum(stakes.values()) == pytest.approx(1.0)
    store.state.put(overrating(NEW), {JUDGE: {"shown": True}})
    assert told(store, release, usual, pairs).opined == []


def test_a_judge_takes_a_candidate_back_before_anybody_hears_it(store: Store) -> None:
    """In shadow, by what it says of both replies, without a label; a candidate as good stays."""
    more = [f"int_{OLD}80x{k:04}" for k in range(FEWEST)]
    row = Interaction(id="", task=TASK, time=80.0, text="hello", reply="good day", version=OLD)
    store.interactions.add(replace(row, id=id) for id in more)
    opinion(store, more, [0.8] * FEWEST)
    release = open_shadow(store, TASK, NEW, now=2.0)
    waiting = replace(SETTINGS, shadow_pairs=1000)
    assert advance(store, TASK, waiting, now=3.0) == release
    alike = answered(store, 60, at=100.0)
    opinion(store, [*alike, *(f"{id}s" for id in alike)], [0.8] * 120)
    assert advance(store, TASK, waiting, now=4.0) == release
    worse = answered(store, 120, at=200.0)
    opinion(store, [*worse, *(f"{id}s" for id in worse)], [0.8] * 120 + [0.1] * 120)
    row_now = advance(store, TASK, waiting, now=5.0)
    assert row_now.stage is Stage.ROLLBACK
    assert "most in what judges say, " in row_now.because
    assert gather(store, release, waiting).rated == 0  # nobody heard it


def test_judges_seldom_call_what_is_alike_worse() -> None:
    """At the edge, five points below by their own scale: shown in at most 5 % of 300 trials, looked at four times."""
    rng, shown = np.random.default_rng(8), 0
    for _ in range(300):
        said = [Opined(value=0.5 * d, weight=0.5, mine=False) for d in np.clip(rng.normal(-0.05, 0.3, 400), -1.0, 1.0)]
        games = [played(Tried(opined=said[:n], opining=True), (), 0.05).all[-1] for n in (100, 200, 300, 400)]
        shown += any(game.harm >= math.log(20.0) for game in games)
    assert games[0].name == JUDGES
    assert shown <= 0.05 * 300
