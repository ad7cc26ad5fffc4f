"""A split: shares as ordered, harm taken out at any hour, an end in one step, and the best found where it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.errors import NotFound, NothingReleased, NotReleasable
from homeostat.release.arms import standing
from homeostat.release.breaking import SLOW, Fault, recipe
from homeostat.release.hindsight import Question, hindsight
from homeostat.release.registry import promote, rollback, withdraw
from homeostat.release.rollout import advance, open_canary, open_shadow
from homeostat.release.route import in_force, route
from homeostat.release.split import Wish, advance_split, open_split, order, ordered
from homeostat.release.states import held_until
from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome
from homeostat.types.version import State
from release.divided import Public
from release.rehearsal import TASK, add_verdict, add_version, open_store, state_of

SETTINGS = Settings(canary_feedback=40, alpha=0.05, harm_alpha=0.01, harm_margin=0.05)
OLD, A, B = "ver_old", "ver_a", "ver_b"


def prepared(folder: Path, *, passed: bool = True) -> Store:
    """A store with a champion and two candidates."""
    folder.mkdir(exist_ok=True)
    store = open_store(folder)
    promote(store, TASK, add_version(store, "old"), "first", now=1.0)
    for name in ("a", "b"):
        id = add_version(store, name)
        if passed:
            add_verdict(store, id, Outcome.PASS)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with prepared(tmp_path / "store") as opened:
        yield opened


def opened(store: Store, **more: object) -> Release:
    wish = Wish(**{"versions": (A, B), **more})  # type: ignore[arg-type]
    return open_split(store, TASK, wish, under="trn_1", now=999.0)


def test_a_split_is_one_row_and_ends_in_one(store: Store) -> None:
    """Shares as ordered, both answer users; opening again changes nothing; `rollback` gives all to the champion."""
    row = opened(store, share=0.3, until=5000.0)
    assert (row.stage, row.champion, row.candidate, row.shares) == (Stage.SPLIT, OLD, "", {A: 0.15, B: 0.15})
    assert opened(store, share=0.3) == row
    assert [state_of(store, one) for one in (OLD, A, B)] == [State.LIVE, State.CANARY, State.CANARY]
    assert {route(row, f"e{k}")[0] for k in range(50)} == {OLD, A, B}
    assert advance(store, TASK, SETTINGS, now=1000.0) == row  # what looks after a canary leaves it alone
    back = rollback(store, TASK, "enough", now=1001.0)
    assert (back.stage, back.champion, back.shares, back.because) == (Stage.ROLLBACK, OLD, {}, "enough")
    assert [state_of(store, one) for one in (OLD, A, B)] == [State.LIVE, State.WITHDRAWN, State.WITHDRAWN]
    assert opened(store, share=0.3) == back  # run again after a crash, it does not begin anew
    assert store.verify() == []


def test_equal_parts_unless_told_otherwise(store: Store) -> None:
    """Three versions, a third each."""
    assert opened(store).shares == {A: pytest.approx(1 / 3), B: pytest.approx(1 / 3)}


def test_what_cannot_be_split(store: Store) -> None:
    """Nothing, one twice, the champion, one broken on purpose, one of another task, and beside another trial."""
    broken = replace(store.versions.get(A), id="ver_slow", recipe=recipe(Fault(kind=SLOW)))
    store.versions.put(broken)
    other = add_version(store, "other", task="elsewhere")
    for versions in ((), (A, A), (A, OLD), (A, broken.id), (A, other)):
        with pytest.raises(NotReleasable):
            opened(store, versions=versions)
    with pytest.raises(NothingReleased):
        open_split(store, "elsewhere", Wish(versions=(other,)), under="trn_1", now=2.0)
    open_shadow(store, TASK, A, now=3.0)
    with pytest.raises(NotReleasable, match="ver_a is being tried"):
        opened(store, versions=(B,))
    withdraw(store, TASK, A, "over", now=4.0)
    opened(store, versions=(B,))
    with pytest.raises(NotReleasable, match=r"ver_b is being tried \(split\)"):
        open_canary(store, TASK, A, SETTINGS, "canary", now=5.0)
    with pytest.raises(NotReleasable, match="ver_b is being tried"):
        promote(store, TASK, A, "no", now=6.0)


def test_what_was_ordered_is_found_again(store: Store) -> None:
    """As it was, by the turn that it was ordered under."""
    wish = Wish(versions=(A,), share=0.2, until=9.0, by="rating", adaptive=True)
    order(store, "trn_9", wish)
    assert ordered(store, "trn_9") == wish
    with pytest.raises(NotFound):
        ordered(store, "trn_8")


def test_a_fixed_split_tells_and_leaves_the_rest_to_a_person(store: Store) -> None:
    """Though one is shown to be best, the shares stay; a person promotes it, and the others are over."""
    row = opened(store)
    public = Public(store, {OLD: 0.7, A: 0.9, B: 0.72})
    assert public.run(SETTINGS, per_look=300, looks=5) == row
    seen = standing(store, row, SETTINGS)
    assert seen is not None
    assert [arm.version for arm in seen.unbeaten(0.05)] == [A]
    beside = seen.of(A).beside
    assert beside.low > 0.05
    assert beside.low <= 0.2 <= beside.high
    assert beside.n == sum(seen.of(one).quality.n for one in (OLD, A))
    full = promote(store, TASK, A, "shown", now=2000.0)
    assert (full.stage, full.champion) == (Stage.FULL, A)
    assert [state_of(store, one) for one in (OLD, A, B)] == [State.RETIRED, State.LIVE, State.WITHDRAWN]
    assert rollback(store, TASK, "and back", now=2001.0).champion == OLD


def test_ratings_tell_of_the_reply_that_was_heard(store: Store) -> None:
    """With ratings alone, of half the requests, the best is found and answers everybody, with no word of a person."""
    opened(store, by="rating", promotes=True)
    public = Public(store, {OLD: 0.6, A: 0.62, B: 0.9}, kind=FeedbackKind.RATING, told=0.5)
    full = public.run(SETTINGS, per_look=200, looks=30)
    assert (full.stage, full.champion) == (Stage.FULL, B)
    assert full.because.startswith("ver_b answers everything: shown to be best at the 5 % level, ")
    assert [row.stage for row in store.releases.list(TASK)] == [Stage.FULL, Stage.SPLIT, Stage.FULL]


def test_the_worse_leave_and_every_request_can_be_routed_again(store: Store) -> None:
    """Adaptive: one leaves after the other, their traffic goes to the rest, no episode of the rest is moved; each
    logged version and probability is what the row in force gives, and the worth of each version, told from the log by
    its chances, holds the truth.
    """
    opened(store, adaptive=True)
    quality = {OLD: 0.8, A: 0.9, B: 0.5}
    public = Public(store, quality)
    settings = replace(SETTINGS, harm_alpha=1e-6)
    full = public.run(settings, per_look=250, looks=20)
    assert (full.stage, full.champion) == (Stage.FULL, A)
    rows = [row for row in store.releases.list(TASK) if row.stage is Stage.SPLIT]
    assert [sorted(row.shares) for row in rows][:2] == [[A, B], [A]]
    assert "ver_b left the split" in rows[1].because
    assert rows[1].shares == {A: pytest.approx(1 / 2)}
    log, begun = store.interactions.list(TASK), [row.time for row in rows]
    for one in log:
        release = rows[sum(time < one.time - 0.05 for time in begun) - 1]
        assert (one.version, one.probability) == route(release, one.episode)
    first = [route(rows[0], f"x{k}")[0] for k in range(3000)]
    then = [route(rows[1], f"x{k}")[0] for k in range(3000)]
    assert all(later == before for before, later in zip(first, then, strict=True) if before != B)
    gone = Counter(later for before, later in zip(first, then, strict=True) if before == B)
    assert abs(gone[A] / sum(gone.values()) - 0.5) < 0.06
    for version in (OLD, A):
        told = hindsight(store, Question(task=TASK, version=version, outcome="right"))
        assert told.value.score is not None
        assert told.value.score.low <= quality[version] <= told.value.score.high


def test_harm_leaves_at_any_hour_and_nothing_else_does(store: Store) -> None:
    """In quiet hours the harmful one is taken out, the beaten one stays and is told of; afterwards it goes."""
    opened(store, adaptive=True)
    Public(store, {OLD: 0.9, A: 0.93, B: 0.2}).send(400)
    row = advance_split(store, TASK, SETTINGS, now=1100.0, frozen=5000.0)
    assert (row.stage, list(row.shares)) == (Stage.SPLIT, [A])
    assert row.because.startswith("ver_b (")
    assert "left the split: harm shown at the 1 % level" in row.because
    assert state_of(store, B) is State.WITHDRAWN
    public = Public(store, {OLD: 0.6, A: 0.95}, seed=1, clock=1100.0)
    public.send(900)
    assert advance_split(store, TASK, SETTINGS, now=1300.0, frozen=5000.0) == row
    assert held_until(store, row, 1300.0) == 5000.0
    full = advance_split(store, TASK, SETTINGS, now=5000.0)
    assert (full.stage, full.champion) == (Stage.FULL, A)


def test_the_last_one_that_does_harm_ends_the_split(tmp_path: Path) -> None:
    """One version beside the champion, wrong in one slice alone, or failing one time in five: the champion has all."""
    for name, more in {
        "slice": {"worse_in": {A: "de"}, "tags": lambda k: {"tongue": ("en", "de")[k // 2 % 2]}},
        "failing": {"fails": {A: 0.2}, "told": 0.0},
    }.items():
        with prepared(tmp_path / name) as inner:
            if name == "slice":
                Public(inner, {OLD: 0.9}, seed=9, clock=0.0, tags=more["tags"]).send(400)  # type: ignore[arg-type]
            opened(inner, versions=(A,), share=0.4)
            public = Public(inner, {OLD: 0.9, A: 0.95}, **more)  # type: ignore[arg-type]
            back = public.run(SETTINGS, per_look=100, looks=12)
            assert (back.stage, back.champion) == (Stage.ROLLBACK, OLD)
            assert "harm shown" in back.because


def test_the_end_comes_with_nobody_there(store: Store) -> None:
    """Past its end the row gives all to the champion; whoever looks next writes that down, with what was shown."""
    row = opened(store, until=1500.0)
    assert {route(in_force(row, 1500.0), f"e{k}")[0] for k in range(50)} == {OLD}
    Public(store, {OLD: 0.8, A: 0.8, B: 0.8}).send(300)
    back = advance_split(store, TASK, SETTINGS, now=1500.0, frozen=9000.0)
    assert (back.stage, back.champion) == (Stage.ROLLBACK, OLD)
    assert back.because.startswith("the split of ver_a and ver_b is over: none was shown to be best (ver_old ")


def test_the_champion_wins_too(store: Store) -> None:
    """Where it is the one that is left, it answers everything again."""
    opened(store, adaptive=True)
    public = Public(store, {OLD: 0.95, A: 0.8, B: 0.82})
    back = public.run(replace(SETTINGS, harm_alpha=1e-6), per_look=200, looks=40)
    assert (back.stage, back.champion, "ver_old answers everything" in back.because) == (Stage.ROLLBACK, OLD, True)


def test_who_was_not_let_pass_has_to_show_itself_safe(tmp_path: Path) -> None:
    """Best by far, and wrong in a tenth of the traffic that the champion is right in: without a gate's word it does
    not become champion by itself, and the champion stays in as what it is held to.
    """
    settings = replace(SETTINGS, harm_alpha=1e-6)
    tags = lambda k: {"tongue": "de" if k // 2 % 8 == 0 else "en"}  # noqa: E731
    for passed, stage in ((True, Stage.FULL), (False, Stage.SPLIT)):
        with prepared(tmp_path / f"{passed}", passed=passed) as store:
            Public(store, {OLD: 0.5}, seed=9, clock=0.0, tags=tags).send(400)
            opened(store, versions=(A,), adaptive=True)
            public = Public(store, {OLD: 0.5, A: 0.95}, tags=tags, worse_in={A: "de"})
            row = public.run(settings, per_look=100, looks=4)
            assert row.stage is stage
