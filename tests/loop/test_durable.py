"""The queue of turns and the worker's lock; and turns that outlive the program that opened them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mortal import Worker, ended, ending
from small_project import TASK, Gateway

from homeostat.loop import durable
from homeostat.loop.durable import SHAPE, TurnQueue, only_worker
from homeostat.loop.workshop import Workshop
from homeostat.types.release import Stage
from homeostat.types.version import State


def test_one_worker_at_a_time(tmp_path: Path) -> None:
    """Whoever comes second is turned away once patience ends, and let in when the first has left."""
    with only_worker(tmp_path), pytest.raises(BlockingIOError), only_worker(tmp_path, patience_s=0.2):
        pass
    with only_worker(tmp_path):
        pass


def test_a_turn_is_opened_once(queue: TurnQueue) -> None:
    """A turn that was never opened is not known; opening it twice is opening it once; then it waits for a worker."""
    assert not queue.knows("trn_1")
    assert not queue.finished("trn_1")
    queue.open("trn_1", TASK, 1.0)
    queue.open("trn_1", TASK, 1.0)
    assert queue.knows("trn_1")
    assert not queue.finished("trn_1")
    assert queue.trouble("trn_1") == ""


def test_a_turn_that_is_given_up_says_so(queue: TurnQueue) -> None:
    """Nothing more is to be expected of it, and there is a reason."""
    queue.open("trn_1", TASK, 1.0)
    queue.give_up("trn_1")
    assert queue.finished("trn_1")
    assert queue.trouble("trn_1") == "it broke off: cancelled"


def test_a_turn_of_another_shape_is_trouble(queue: TurnQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn opened under other steps is not gone on with, and the reason names both shapes."""
    queue.open("trn_1", TASK, 1.0)
    monkeypatch.setattr(durable, "SHAPE", "turn-next")
    assert not queue.finished("trn_1")
    assert f"'{SHAPE}'" in queue.trouble("trn_1")
    assert "'turn-next'" in queue.trouble("trn_1")


@pytest.mark.slow
def test_an_upgrade_goes_on_with_an_open_turn(
    shop: Workshop, workers: Callable[..., Worker], undisturbed: dict[str, Any]
) -> None:
    """A worker killed in the middle of a turn is followed by one of another version, which ends the turn the same."""
    old, gateway = workers(death="training:66"), Gateway(shop)
    gateway.serve(lambda: not old.alive)
    assert old.killed

    workers(version="99.0")

    assert gateway.serve(lambda: ended(shop.config, shop.store))
    assert ending(shop.store) == undisturbed


@pytest.mark.slow
def test_an_upgrade_that_changes_the_steps_closes_an_open_turn(shop: Workshop, workers: Callable[..., Worker]) -> None:
    """The turn is closed with the reason, its candidate is taken back, nothing else has changed, and no old version
    takes it up again.
    """
    champion = shop.champion(TASK).id
    old = workers(death="row:shadow")
    Gateway(shop).serve(lambda: not old.alive)
    assert old.killed
    candidate = shop.store.releases.list(TASK)[-1].candidate

    new = workers(shape="turn-next")

    assert Gateway(shop).serve(lambda: shop.store.turns.list(TASK)[0].state != "open")
    turn = shop.store.turns.list(TASK)[0]
    assert (turn.state, "'turn-next'" in turn.because) == ("failed", True)
    assert shop.store.releases.list(TASK)[-1].stage is Stage.ROLLBACK
    assert shop.store.versions.get(candidate).state is State.REFUSED
    assert shop.store.aliases.get(TASK, "champion") == champion
    new.stop()
    again = workers()
    assert Gateway(shop).serve(lambda: again.watching)
    assert [t.state for t in shop.store.turns.list(TASK)] == ["failed"]
