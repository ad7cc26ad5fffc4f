"""`homeostat try`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import NotFound, NothingReleased, NotReleasable, NoWorker
from homeostat.loop.durable import only_worker
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.turn import GIVEN, Turn
from homeostat.types.version import State


@pytest.fixture
def folder(shop: Path, store: Store) -> Path:
    """The project's folder, with a champion and a version made by hand."""
    champion(store, "first")
    version(store, "mine", time=START + 5)
    return shop.parent / ".homeostat"


def test_a_trial_is_opened_for_the_worker(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """It names the version and looks no earlier than that was made."""
    with only_worker(folder):
        ran = homeostat("try", "ver_mine", "--config", shop)
    [trial] = store.turns.list("routing")
    assert (ran.code, ran.out.strip()) == (0, f"{trial.id} is opened")
    assert (trial.story, trial.diary, trial.time >= START + 5) == ("trial", {GIVEN: "ver_mine"}, True)


def test_as_a_document(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """The trial as it was opened."""
    with only_worker(folder):
        found = homeostat("try", "ver_mine", "--json", "--config", shop).json
    assert (found["diary"], found["state"]) == ({GIVEN: "ver_mine"}, "open")


def test_nobody_to_do_it(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """Without a worker nothing is opened."""
    assert homeostat("try", "ver_mine", "--config", shop).code == NoWorker.exit
    assert store.turns.list("routing") == []


def test_what_cannot_be_tried(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """What is not there, what answers already, and what was refused."""
    assert homeostat("try", "ver_none", "--config", shop).code == NotFound.exit
    assert homeostat("try", "ver_first", "--config", shop).code == NotReleasable.exit
    store.versions.put(replace(store.versions.get("ver_mine"), state=State.REFUSED))
    ran = homeostat("try", "ver_mine", "--config", shop)
    assert (ran.code, "refused" in ran.err) == (NotReleasable.exit, True)


def test_one_at_a_time(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """Not beside a turn, nor beside another candidate."""
    other = version(store, "other").id
    open_shadow(store, "routing", other, now=START + 9)
    with only_worker(folder):
        assert other in homeostat("try", "ver_mine", "--config", shop).err
        store.turns.put(Turn(id="trn_1", task="routing", time=START))
        ran = homeostat("try", "ver_mine", "--config", shop)
    assert (ran.code, "trn_1 is under way" in ran.err) == (NotReleasable.exit, True)


def test_nothing_to_be_better_than(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a champion there is nothing to compare it with."""
    version(store, "mine")
    assert homeostat("try", "ver_mine", "--config", shop).code == NothingReleased.exit
