"""Asking for a drill, and what is told of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request, version
from homeostat.config.schema import Release as Settings
from homeostat.errors import NotReleasable, NotSeen, NoWorker, TurnFailed, WrongType
from homeostat.loop.durable import only_worker
from homeostat.release.drills import ordered
from homeostat.release.noted import note_error
from homeostat.release.rollout import advance, open_canary, open_shadow
from homeostat.store import Store
from homeostat.types.turn import PUSHED, Turn
from homeostat.types.version import State

TASK = "routing"


@pytest.fixture
def serving(shop: Path, store: Store) -> Path:
    """The project's folder, with a champion and a version that a drill can release."""
    champion(store, "first")
    version(store, "broken", labels=("refund",), state=State.CANDIDATE)
    return shop.parent / ".homeostat"


def worker(store: Store, errors: int, state: str = "release") -> threading.Thread:
    """What a worker leaves of a drill: a canary, failures of its candidate, the look that ends it, and the turn."""

    def work() -> None:
        while not (turns := store.turns.list(TASK)):
            time.sleep(0.02)
        moment = time.time()
        release = open_canary(store, TASK, "ver_broken", Settings(), "drill", now=moment, until=moment + 0.5)
        for k in range(errors):
            note_error(store, release, "ver_broken", f"int_{k}", "broken")
        back = advance(store, TASK, Settings(), now=moment + (0.1 if errors else 1.0))
        done = replace(turns[0], state=state, because=back.because, diary={"push": release.id, "advance": back.id})
        store.turns.put(done)

    started = threading.Thread(target=work)
    started.start()
    return started


def test_without_a_worker_nothing_is_broken(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """An error, and no order is left behind."""
    ran = homeostat("drill", "--config", shop)
    assert ran.code == NoWorker.exit
    assert store.turns.list(TASK) == []


def test_a_drill_that_is_seen(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """Its kind, how long it took, how many it reached, and why it was taken back; exit code 0."""
    with only_worker(serving):
        thread = worker(store, 20)
        ran = homeostat("drill", "--config", shop, "--kind", "erroring", "--within", "2min", "--json")
        thread.join()
    assert ran.code == 0, ran.err
    told = ran.json
    assert (told["kind"], told["seen"], told["withdrawn"], told["version"]) == ("erroring", True, True, "ver_broken")
    assert (told["exposed_requests"], told["failed_requests"]) == (0, 20)
    assert "harm shown" in told["because"]
    [turn] = store.turns.list(TASK)
    assert ordered(store, turn.id).within_s == 120.0


def test_a_drill_that_is_not_seen_is_no_success(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """The broken version is taken back all the same, and the command says that nobody has seen it."""
    with only_worker(serving):
        thread = worker(store, 0)
        ran = homeostat("drill", "--config", shop)
        thread.join()
    assert ran.code == NotSeen.exit
    assert "E606 the sabotaged version was not seen to be broken" in ran.err
    assert "its time was up" in ran.out.replace("\n", " ")
    assert store.versions.get("ver_broken").state is State.WITHDRAWN


def test_what_drills_came_to(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """Each, and by kind; without any, none. Nothing is begun, and no worker is needed."""
    nothing = homeostat("drill", "--past", "--config", shop, "--json").json
    assert (nothing["drills"], nothing["kinds"]) == ([], {})
    with only_worker(serving):
        thread = worker(store, 20)
        homeostat("drill", "--config", shop, "--kind", "erroring", "--within", "2min")
        thread.join()
    told = homeostat("drill", "--past", "--config", shop, "--json").json
    [one] = told["drills"]
    assert (one["kind"], one["seen"], one["failed_requests"]) == ("erroring", True, 20)
    of = told["kinds"]["erroring"]
    assert (of["seen"]["mean"], of["seen"]["n"], of["exposed"]) == (1.0, 1, 0)
    assert of["seen"]["low"] < 0.05  # one drill is one drill
    assert of["seconds"] == one["seconds"]
    store.turns.put(Turn(id="trn_open", task=TASK, time=time.time(), diary={PUSHED: ""}))
    out = homeostat("drill", "--past", "--config", shop).out
    assert "under way" in out
    assert "(2.5 to 100.0, n = 1)" in out
    assert len(store.turns.list(TASK)) == 2


def test_the_next_drill_is_told(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """By `drill --past` and by `decide`: when, of what kind, and by which policy, or what it waits for."""
    tuesdays = "policies: {tuesdays: {any: {schedule: every 2 weeks}, action: drill, quiet: [Sat]}}\n"
    shop.write_text(shop.read_text() + tuesdays)
    (coming,) = homeostat("drill", "--past", "--config", shop, "--json").json["next"]
    assert (coming["policy"], coming["kind"], coming["due"]) == ("tuesdays", "sabotaged", False)
    assert 13.9 * 86_400 < coming["next"] - time.time() <= 14 * 86_400
    out = homeostat("drill", "--past", "--config", shop).out
    assert "next drill (sabotaged, policy tuesdays): " in out
    assert (coming["counted"], "counted from when a worker" in out) == (False, True)
    store.state.put("drills:tuesdays:routing", time.time())
    assert "counted from" not in homeostat("drill", "--past", "--config", shop).out
    store.state.put("drills:tuesdays:routing", 1_000_000.0)
    ran = homeostat("decide", "--dry-run", "--config", shop)
    assert ran.code == 0, ran.err
    assert "next drill (sabotaged, policy tuesdays): due, and waits: " in ran.out
    assert homeostat("decide", "--dry-run", "--config", shop, "--json").json[0]["drills"][0]["due"] is True
    assert store.turns.list(TASK) == []
    wrong = shop.parent / "wrong.yaml"
    wrong.write_text(shop.read_text().replace("kind: label", "kind: label, policy: tuesdays"))
    ran = homeostat("decide", "--dry-run", "--config", wrong)
    assert (ran.code, "drills and decides nothing" in ran.err) == (WrongType.exit, True), ran.err


def test_a_drill_that_breaks_off(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """The reason for which it could not be done."""
    with only_worker(serving):
        thread = worker(store, 20, state="failed")
        ran = homeostat("drill", "--config", shop)
        thread.join()
    assert ran.code == TurnFailed.exit


def test_one_thing_at_a_time(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """No drill beside a turn that is under way, or a candidate that is being tried."""
    open_shadow(store, TASK, "ver_broken", now=START)
    with only_worker(serving):
        ran = homeostat("drill", "--config", shop)
        assert ran.code == NotReleasable.exit
        assert "ver_broken is under way" in ran.err
        store.turns.put(Turn(id="trn_1", task=TASK, time=START))
        assert "trn_1 is under way" in homeostat("drill", "--config", shop).err
    assert len(store.turns.list(TASK)) == 1


def test_what_cannot_be_drilled(homeostat: Run, shop: Path, store: Store, serving: Path) -> None:
    """No slices to be biased about, and a span that is none: nothing is begun."""
    request(store, 1, "ver_first")
    with only_worker(serving):
        assert homeostat("drill", "--config", shop, "--kind", "biased").code == NotReleasable.exit
        assert homeostat("drill", "--config", shop, "--within", "soon").code == 2
    assert store.turns.list(TASK) == []
