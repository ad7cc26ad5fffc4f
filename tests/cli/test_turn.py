"""Asking for a turn."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion, request
from homeostat.loop.durable import TurnQueue, only_worker
from homeostat.loop.story.processes import Part
from homeostat.store import Store
from homeostat.types.turn import Turn


def test_without_a_worker_nothing_is_opened(homeostat: Run, shop: Path, store: Store) -> None:
    """The worker lock is free: exit code 7, how to start one, and no turn waits in a queue."""
    champion(store, "first")
    ran = homeostat("turn", "--config", shop)
    assert ran.code == 7
    assert "E603" in ran.err
    assert "homeostat up" in ran.err
    assert not (shop.parent / ".homeostat" / "turns.db").exists()


def test_without_a_champion_there_is_nothing_to_turn(homeostat: Run, shop: Path) -> None:
    """Exit code 6 before anything else is looked at."""
    assert homeostat("turn", "--config", shop).code == 6


def test_a_turn_is_opened_for_the_worker(homeostat: Run, shop: Path, store: Store) -> None:
    """With the lock held by a worker the turn is in its queue, under the id that is printed."""
    champion(store, "first")
    folder = shop.parent / ".homeostat"
    with only_worker(folder):
        ran = homeostat("turn", "--config", shop)
    assert ran.code == 0
    turn = ran.out.split()[0]
    assert turn.startswith("trn_")
    queue = TurnQueue(folder)
    assert not queue.finished(turn)
    queue.close()


def test_one_turn_at_a_time(homeostat: Run, shop: Path, store: Store) -> None:
    """While a turn of the task is under way, no second one is opened beside it."""
    champion(store, "first")
    folder = shop.parent / ".homeostat"
    with only_worker(folder):
        turn = homeostat("turn", "--config", shop).out.split()[0]
        store.turns.put(Turn(id=turn, task="routing", time=1.0))
        ran = homeostat("turn", "--config", shop)
    assert ran.out.strip() == f"{turn} is under way already"


def test_waiting_ends_when_the_worker_does(homeostat: Run, shop: Path, store: Store) -> None:
    """A worker that goes away while its turn is waited for: exit code 7, and that the turn goes on later."""
    champion(store, "first")
    folder = shop.parent / ".homeostat"
    with only_worker(folder):
        turn = homeostat("turn", "--config", shop).out.split()[0]
    store.turns.put(Turn(id=turn, task="routing", time=1.0))
    ran = homeostat("turn", "--config", shop, "--wait")
    assert ran.code == 7
    assert "no worker" in ran.err


@pytest.mark.slow
def test_a_turn_is_followed_to_its_end(homeostat: Run, small: Path) -> None:
    """A real worker takes the turn; its diary is printed and the reason for which it ended, and exit code 0."""
    folder = small.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as store:
        champion(store, "first", labels=("refund", "delivery"))
        for number in range(5):
            request(store, number, "ver_first", said="refund")
        worker = Part("worker", small)
        worker.start()
        try:
            began = time.monotonic()
            ran = homeostat("turn", "routing", "--config", small, "--wait")
            assert time.monotonic() - began < 60
        finally:
            worker.stop()
        assert ran.code == 0, ran.err
        assert "ended at decide: " in ran.out
        assert "decide" in ran.err
        assert store.turns.list("routing")[0].state == "decide"


@pytest.mark.slow
def test_a_turn_that_breaks_off_is_no_success(homeostat: Run, small: Path) -> None:
    """A champion whose dataset's rows are gone lets the turn fail: exit code 7."""
    folder = small.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as store:
        champion(store, "first", labels=("refund", "delivery"))
        worker = Part("worker", small)
        worker.start()
        try:
            champion_row = store.versions.get("ver_first")
            store.versions.put(type(champion_row)(**_fields(champion_row), dataset="dst_gone"))
            ran = homeostat("turn", "routing", "--config", small, "--wait")
        finally:
            worker.stop()
        assert ran.code == 7, ran.out
        assert "E604" in ran.err


def _fields(version: object) -> dict[str, object]:
    """Every field but the dataset."""
    return {name: getattr(version, name) for name in version.__dataclass_fields__ if name != "dataset"}  # type: ignore[attr-defined]
