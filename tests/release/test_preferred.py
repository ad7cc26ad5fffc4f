"""People prefer replies, not versions: sides are drawn, names are hidden, and what is alike is a tie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.guard import gather
from homeostat.release.preferred import CHOICES, LEFT, RIGHT, TIE, Pair, judge, judgments, preferred, queue
from homeostat.release.registry import promote
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from release.rehearsal import TASK, add_version, interaction, label, open_store

OLD, NEW = "ver_old", "ver_new"
ALL = 10_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A candidate in shadow behind a champion."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old", labels=()), "first", now=1.0)
        add_version(opened, "new", labels=())
        open_shadow(opened, TASK, NEW, now=2.0)
        yield opened


def answered(store: Store, n: int, *, alike: int = 0) -> None:
    """So many requests, each with a reply of both; some of them are the same."""
    for k in range(n):
        heard = interaction(f"int_{k}", OLD, f"old {k}")
        copied = interaction(f"int_{k}s", NEW, f"old {k}" if k < alike else f"new {k}", of=heard.id)
        store.interactions.add([heard, copied])


def side_of_new(pair: Pair) -> str:
    return LEFT if pair.left.startswith("new") else RIGHT


def test_sides_are_drawn_for_everybody_anew(store: Store) -> None:
    """The candidate stands left about as often as right, for another judge elsewhere, and always the same for one."""
    answered(store, 400)
    mine = {pair.interaction: side_of_new(pair) for pair in queue(store, TASK, NEW, "ann", ALL)}
    other = {pair.interaction: side_of_new(pair) for pair in queue(store, TASK, NEW, "bob", ALL)}
    assert 160 < sum(side == LEFT for side in mine.values()) < 240
    assert 160 < sum(mine[id] == other[id] for id in mine) < 240
    assert list(mine) != list(other)
    assert mine == {pair.interaction: side_of_new(pair) for pair in queue(store, TASK, NEW, "ann", ALL)}


def test_nothing_tells_whose_a_reply_is(store: Store) -> None:
    """A pair holds the request, two replies, and the id of the request."""
    answered(store, 3)
    for pair in queue(store, TASK, NEW, "ann", 3):
        assert {pair.left, pair.right} == {f"old {pair.interaction[4:]}", f"new {pair.interaction[4:]}"}
        assert "ver_" not in repr(pair)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_counts_for_whoever_stood_there(store: Store, choice: str) -> None:
    """Not for a side."""
    answered(store, 40)
    for pair in queue(store, TASK, NEW, "ann", ALL):
        wanted = {LEFT: side_of_new(pair), RIGHT: LEFT if side_of_new(pair) == RIGHT else RIGHT, TIE: TIE}[choice]
        judge(store, TASK, NEW, "ann", {pair.interaction: wanted})
    found = preferred(store, TASK, NEW)
    assert found.share is not None
    assert (found.share.mean, found.share.n) == ({LEFT: 1.0, RIGHT: 0.0, TIE: 0.5}[choice], 40)
    assert (found.better, found.worse, found.ties) == {LEFT: (40, 0, 0), RIGHT: (0, 40, 0), TIE: (0, 0, 40)}[choice]
    assert (found.p < 0.001) is (choice == LEFT)
    assert found.waiting == 0
    assert queue(store, TASK, NEW, "ann", ALL) == []


def test_what_is_alike_is_a_tie_that_nobody_is_asked(store: Store) -> None:
    """With those that are asked: of the first ten that differ, about as many that are alike came before them."""
    answered(store, 60, alike=30)
    waiting = queue(store, TASK, NEW, "ann", ALL)
    assert len(waiting) == 30
    assert preferred(store, TASK, NEW).share is None  # whoever only looks has said nothing
    judge(store, TASK, NEW, "ann", {pair.interaction: side_of_new(pair) for pair in waiting[:10]})
    found = preferred(store, TASK, NEW)
    assert (found.better, found.worse, found.ties) == (10, 0, found.alike)
    assert 4 <= found.alike <= 20
    assert (found.waiting, found.same) == (30 - 10, 30 - found.alike)


def test_who_judged_is_not_asked_again(store: Store) -> None:
    """Somebody else is; two who judged the same pair agree or not, and the pair counts once."""
    answered(store, 2)
    for pair in queue(store, TASK, NEW, "ann", 2):
        judge(store, TASK, NEW, "ann", {pair.interaction: side_of_new(pair)})
    one, two = queue(store, TASK, NEW, "bob", 2)
    judge(store, TASK, NEW, "bob", {one.interaction: side_of_new(one)})
    judge(store, TASK, NEW, "bob", {two.interaction: TIE})
    found = preferred(store, TASK, NEW)
    assert (found.agreement, found.share and found.share.mean, found.better) == (0.5, 0.875, 2)
    assert judgments(store, NEW)[two.interaction] == {"ann": 1.0, "bob": 0.5}


def test_a_release_goes_by_what_people_prefer(store: Store) -> None:
    """Where nobody said what is right; where somebody did, that counts and not the preference."""
    answered(store, 30)
    for pair in queue(store, TASK, NEW, "ann", ALL):
        judge(store, TASK, NEW, "ann", {pair.interaction: LEFT if side_of_new(pair) == RIGHT else RIGHT})
    release = store.releases.current(TASK)
    assert release is not None
    settings = Settings(harm_alpha=0.01, harm_margin=0.05)
    seen = gather(store, release, settings)
    assert (seen.judged, seen.candidate, seen.champion) == (30, 0.0, 1.0)
    assert seen.harm_shown(settings)
    store.feedback.add([label("int_3", value="new 3")])
    assert gather(store, release, settings).candidate == pytest.approx(1 / 30, abs=0.02)
