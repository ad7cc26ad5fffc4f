"""Asking for a turn."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request, version
from homeostat.curate.snapshot import as_lines
from homeostat.errors import NothingReleased, NoWorker, TurnFailed
from homeostat.loop.durable import TurnQueue, only_worker
from homeostat.loop.story import follow
from homeostat.loop.story.processes import Part
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.store.notes import SEEN
from homeostat.types.dataset import Dataset, Example
from homeostat.types.turn import DIVIDED, Turn
from homeostat.types.version import State

LAUNCH = """
import os, pathlib, sys
from homeostat.loop.durable import launch
launch(pathlib.Path(sys.argv[1]))
os._exit(0)
"""
"""What a worker does first."""


def test_without_a_worker_nothing_is_opened(homeostat: Run, shop: Path, store: Store) -> None:
    """The worker lock is free: an error, how to start one, and no turn waits in a queue."""
    champion(store, "first")
    ran = homeostat("turn", "--config", shop)
    assert ran.code == NoWorker.exit
    assert "E603" in ran.err
    assert "homeostat up" in ran.err
    assert not (shop.parent / ".homeostat" / "turns.db").exists()


def test_without_a_champion_there_is_nothing_to_turn(homeostat: Run, shop: Path) -> None:
    """An error before anything else is looked at."""
    assert homeostat("turn", "--config", shop).code == NothingReleased.exit


@pytest.fixture(scope="session")
def diaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database that a worker makes for the diaries of turns."""
    # In a Python of its own: DBOS keeps the output of the process it was first launched in.
    folder = tmp_path_factory.mktemp("worker")
    subprocess.run([sys.executable, "-c", LAUNCH, str(folder)], capture_output=True, check=True)
    return folder


@pytest.fixture
def folder(shop: Path, store: Store, diaries: Path) -> Path:
    """The project's folder, with a champion, after a worker was there once."""
    champion(store, "first")
    for file in diaries.iterdir():
        (shop.parent / ".homeostat" / file.name).write_bytes(file.read_bytes())
    return shop.parent / ".homeostat"


def test_a_turn_is_opened_for_the_worker(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """With the lock held by a worker, the turn is in its queue and in the store; it looks up to the newest label."""
    request(store, 1, "ver_first", said="refund")
    with only_worker(folder):
        ran = homeostat("turn", "--config", shop)
    assert ran.code == 0
    [turn] = store.turns.list("routing")
    assert ran.out.strip() == f"{turn.id} is opened"
    assert (turn.state, turn.time) == ("open", START + 101)
    queue = TurnQueue(folder)
    assert queue.knows(turn.id)
    queue.close()


def test_one_turn_at_a_time(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """While a turn of the task is under way, no second one is opened beside it."""
    with only_worker(folder):
        turn = homeostat("turn", "--config", shop).out.split()[0]
        ran = homeostat("turn", "--config", shop)
    assert ran.out.strip() == f"{turn} is under way already"
    assert len(store.turns.list("routing")) == 1


def test_what_is_under_way_and_no_turn_is_named(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """A split is not taken for the turn that was asked for."""
    store.turns.put(Turn(id="trn_s", task="routing", time=1.0, diary={DIVIDED: "ver_b"}))
    with only_worker(folder):
        ran = homeostat("turn", "--config", shop)
    assert ran.out.strip() == "trn_s is under way already, a split: no turn begins before it has ended"
    assert [turn.id for turn in store.turns.list("routing")] == ["trn_s"]


def test_the_turn_as_a_document(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """`--json` prints the turn and nothing else, and says whether it was opened by this command."""
    with only_worker(folder):
        first, second = (homeostat("turn", "--config", shop, "--json").json for _ in range(2))
    [turn] = store.turns.list("routing")
    assert first == {
        "id": turn.id,
        "task": "routing",
        "time": turn.time,
        "state": "open",
        "because": "",
        "diary": {"asked": store.signs},
        "opened": True,
    }
    assert second == {**first, "opened": False}


@pytest.mark.parametrize(("state", "code"), [("decide", 0), ("failed", TurnFailed.exit)])
def test_the_turn_as_a_document_when_it_has_ended(
    homeostat: Run, shop: Path, store: Store, folder: Path, state: str, code: int
) -> None:
    """With `--wait` it is the turn as it ended, also where it broke off."""
    turn = Turn(id="trn_1", task="routing", time=START)
    store.turns.put(turn)
    end = replace(turn, state=state, because="it had to", diary={"watch": "sig_1"})
    threading.Timer(1.0, store.turns.put, [end]).start()
    with only_worker(folder):
        ran = homeostat("turn", "--config", shop, "--wait", "--json")
    assert ran.code == code
    assert ran.json == {
        "id": "trn_1",
        "task": "routing",
        "time": START,
        "state": state,
        "because": "it had to",
        "diary": {"watch": "sig_1"},
        "opened": False,
    }
    assert ("E604" in ran.err) == bool(code)


def test_waiting_ends_when_the_worker_does(homeostat: Run, shop: Path, folder: Path) -> None:
    """A worker that goes away while its turn is waited for: an error that says that the turn goes on later."""

    def leave() -> None:
        time.sleep(0.3)
        held.close()

    held = ExitStack()
    held.enter_context(only_worker(folder))
    thread = threading.Thread(target=leave)
    thread.start()
    ran = homeostat("turn", "--config", shop, "--wait")
    thread.join()
    assert ran.code == NoWorker.exit
    assert f"the worker has ended before {ran.out.split()[0]} did" in ran.err
    assert "goes on where it stood" in ran.err


def test_what_a_release_waits_for_is_said(
    homeostat: Run, shop: Path, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without traffic a candidate stays in shadow: the waiting says so, and how much has come, once."""
    monkeypatch.setattr(follow, "PATIENCE_S", 0.2)
    version(store, "second", labels=("refund",), state=State.CANDIDATE)
    release = open_shadow(store, "routing", "ver_second", now=START)
    store.state.put(f"guard:{release.id}", {"pairs": 12, "judged": 3})
    held = ExitStack()
    held.enter_context(only_worker(folder))
    threading.Timer(2.5, held.close).start()
    ran = homeostat("turn", "--config", shop, "--wait")
    assert ran.err.count("both versions have answered 12 of ") == 1


def test_a_worker_that_only_just_starts(homeostat: Run, shop: Path, store: Store) -> None:
    """A worker that holds the lock and has no queue yet will find the turn in the store."""
    champion(store, "first")
    with only_worker(shop.parent / ".homeostat"):
        ran = homeostat("turn", "--config", shop)
    assert ran.code == 0, ran.err
    assert [turn.state for turn in store.turns.list("routing")] == ["open"]


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
    """If the rows of the champion's dataset are gone, turn and command fail; another turn may be asked for."""
    folder = small.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as store:
        rows = [Example(text=f"row {k}", target="refund", task="routing") for k in range(3)]
        blob = store.blobs.put_text(as_lines(rows))
        store.datasets.put(Dataset(id="dst_a", task="routing", time=START, blob=blob, labels=("refund",)))
        champion(store, "first", labels=("refund",), dataset="dst_a")
        worker = Part("worker", small)
        worker.start()
        try:
            while store.state.get(SEEN) is None:  # once people have been looked after, the watch has read what it needs
                time.sleep(0.1)
            next(path for path in folder.rglob("*") if path.is_file() and path.name in blob).unlink()
            first, second = (homeostat("turn", "routing", "--config", small, "--wait") for _ in range(2))
        finally:
            worker.stop()
    assert (first.code, second.code) == (TurnFailed.exit, TurnFailed.exit)
    assert "E604" in first.err
    assert first.out.split()[0] != second.out.split()[0]
