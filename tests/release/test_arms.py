"""How the versions of a split stand: quality beside the champion and in slices, harm of every kind, who is beaten."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.arms import Standing, standing
from homeostat.release.registry import promote
from homeostat.release.split import Wish, open_split
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from release.divided import Public
from release.rehearsal import TASK, add_version, open_store

SETTINGS = Settings(alpha=0.05, harm_alpha=0.01, harm_margin=0.05)
OLD, A, B = "ver_old", "ver_a", "ver_b"
HARM = -math.log(SETTINGS.harm_alpha)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        for name in ("a", "b"):
            add_version(opened, name)
        yield opened


def stood(store: Store, **more: object) -> Standing:
    release = store.releases.current(TASK)
    assert release is not None
    found = standing(store, release, Settings(**{"alpha": 0.05, **more}))  # type: ignore[arg-type]
    assert found is not None
    return found


def tongue(k: int) -> dict[str, str]:
    """Half of the episodes in each tongue."""
    return {"tongue": ("en", "de")[k // 2 % 2]}


def test_nothing_is_known_of_nothing(store: Store) -> None:
    """No row of a split, no standing; a split without requests has open ends and no winner."""
    first = store.releases.current(TASK)
    assert first is not None
    assert standing(store, first, SETTINGS) is None
    lost = Release(id="rel_x", task=TASK, time=2.0, stage=Stage.SPLIT, champion=OLD, trial="spl_lost")
    assert standing(store, lost, SETTINGS) is None
    open_split(store, TASK, Wish(versions=(A,)), under="trn_1", now=2.0)
    seen = stood(store)
    assert [(arm.version, arm.share, arm.episodes) for arm in seen.arms] == [(OLD, 0.5, 0), (A, 0.5, 0)]
    assert (round(seen.of(A).beside.low, 5), round(seen.of(A).beside.high, 5)) == (-1.0, 1.0)
    assert [arm.version for arm in seen.unbeaten(0.05)] == [OLD, A]


def test_slices_are_told_apart(store: Store) -> None:
    """A version that is better in one tongue and worse in the other shows both, and overall neither."""
    Public(store, {OLD: 0.8}, seed=9, clock=0.0, tags=tongue).send(400)
    open_split(store, TASK, Wish(versions=(A,)), under="trn_1", now=999.0)
    Public(store, {OLD: 0.5, A: 0.98}, tags=tongue, worse_in={A: "de"}).send(1000)
    arm = stood(store).of(A)
    assert set(arm.slices) == {"tongue=en", "tongue=de"}
    assert arm.slices["tongue=en"].low > 0.2
    assert arm.slices["tongue=de"].high < -0.2
    assert arm.beside.low < 0.0 < arm.beside.high
    assert max(arm.games, key=lambda game: game.weighed).name == "tongue=de"
    assert arm.harm > HARM
    assert sum(arm.slices[name].n for name in arm.slices) == arm.beside.n


def test_failures_show_as_in_a_canary(store: Store) -> None:
    """One request in eight, with no word of anybody: harm, in failures."""
    open_split(store, TASK, Wish(versions=(A, B)), under="trn_1", now=999.0)
    Public(store, {OLD: 0.9, A: 0.9, B: 0.9}, fails={A: 0.12}, told=0.0).send(900)
    seen = stood(store)
    assert (seen.of(A).failing, seen.of(B).failing) == (True, False)
    assert seen.of(A).harm > HARM > seen.of(B).harm
    assert max(seen.of(A).games, key=lambda game: game.weighed).name == "errors"
    assert seen.of(A).failures > 20


@pytest.mark.slow
def test_what_is_as_good_is_left_in_peace(tmp_path: Path) -> None:
    """Of 20 splits of three alike, looked at four times, at most one see harm or call the champion beaten."""
    wrong = 0
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with open_store(folder) as store:
            promote(store, TASK, add_version(store, "old"), "first", now=1.0)
            names = tuple(add_version(store, name) for name in ("a", "b"))
            open_split(store, TASK, Wish(versions=names), under="trn_1", now=999.0)
            public, seen = Public(store, dict.fromkeys((OLD, A, B), 0.85), seed=seed), False
            for _ in range(4):
                public.send(90)
                found = stood(store)
                seen |= found.of(OLD).beaten >= -math.log(0.05) or any(arm.harm >= HARM for arm in found.arms)
            wrong += seen
    assert wrong <= 1


def test_beside_others_than_the_champion_where_the_worse_leave(store: Store) -> None:
    """In an adaptive split a version is held to all others: half as good as one of them it does harm, though it is as
    good as the champion, and the champion is beaten.
    """
    open_split(store, TASK, Wish(versions=(A, B), adaptive=True), under="trn_1", now=999.0)
    Public(store, {OLD: 0.45, A: 0.45, B: 0.95}).send(900)
    seen = stood(store)
    assert seen.of(A).harm > HARM
    assert [arm.version for arm in seen.unbeaten(0.05)] == [B]
