"""The outbox against real receivers: failures, slowness, and a sender that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alert.told import NOW, alert, delivery
from homeostat.alert.channels.way import NotTaken, Way
from homeostat.alert.channels.webhook import Webhook
from homeostat.alert.courier import MOST_S, UNKNOWN, Courier, wait_s
from homeostat.alert.signature import verify
from homeostat.store import Store
from homeostat.types.delivery import Delivery, Post
from receiver import RESET, SILENT, Receiver, free_port, receiving
from waiting import eventually

SECRET = b"s3cret"


def put(store: Store, *deliveries: Delivery) -> None:
    """Hand deliveries over, with an alert."""
    store.alerts.tell([alert(about="")], lambda before, cause: (cause, deliveries))


def hook(receiver: Receiver, timeout_s: float = 2.0) -> Webhook:
    """A signed channel to the receiver."""
    return Webhook(url=receiver.address, timeout_s=timeout_s, secret=SECRET)


@contextmanager
def running(store: Store, ways: dict[str, Way], tries: int = 12, timeout_s: float = 2.0) -> Iterator[Courier]:
    """A courier that is quick."""
    courier = Courier(store, ways, tries, timeout_s, first_s=0.02, poll_s=0.01)
    courier.start()
    try:
        yield courier
    finally:
        courier.stop(5.0)


def state(store: Store, id: str = "dlv_1") -> Post:
    return store.deliveries.get(id).state


def test_waits_grow_up_to_an_hour() -> None:
    """Doubled each time, less up to a half by chance; twelve tries take some three hours, and no number overflows."""
    assert [wait_s(k, 0.0) for k in (1, 2, 3, 10, 11)] == [5.0, 10.0, 20.0, 2560.0, MOST_S]
    assert [wait_s(k, 1.0) for k in (1, 2)] == [2.5, 5.0]
    assert wait_s(10_000, 0.5) == 0.75 * MOST_S
    assert 2 * 3600 < sum(wait_s(k, 0.0) for k in range(1, 12)) < 3 * 3600


def test_a_signed_message_arrives_once_although_its_receiver_fails_twice(store: Store) -> None:
    """A 500, then a torn connection, then it is taken: once, with one key throughout, and a signature that holds."""
    with receiving(500, RESET) as receiver, running(store, {"ops": hook(receiver)}):
        put(store, delivery())
        assert eventually(lambda: state(store) is Post.SENT)
        time.sleep(0.3)
    assert [met.answered for met in receiver.met] == [500, RESET, 200]
    assert len(receiver.taken) == 1
    assert {met.key for met in receiver.met} == {"dlv_1"}
    assert len({met.body for met in receiver.met}) == 1
    for met in receiver.met:
        assert verify(SECRET, met.body, met.headers["homeostat-signature"], met.time)
    done = store.deliveries.get("dlv_1")
    assert (done.tries, done.problem) == (3, "")
    assert done.sent == pytest.approx(time.time(), abs=10)


def test_after_so_many_tries_it_is_put_aside(store: Store) -> None:
    """With its last problem, and for good: until somebody asks for it again, which begins anew."""
    with receiving(503, 503, 503) as receiver, running(store, {"ops": hook(receiver)}, tries=3):
        put(store, delivery())
        assert eventually(lambda: state(store) is Post.DEAD)
        time.sleep(0.2)
        assert len(receiver.met) == 3
        dead = store.deliveries.get("dlv_1")
        assert (dead.tries, dead.problem) == (3, "HTTP 503")
        store.deliveries.retry("dlv_1")
        assert eventually(lambda: state(store) is Post.SENT)
    assert [met.answered for met in receiver.met] == [503, 503, 503, 200]


@pytest.mark.slow
def test_a_slow_channel_keeps_nobody_waiting(store: Store) -> None:
    """While one receiver says nothing at all, twenty messages go through another one."""
    with receiving(after=SILENT, silent_s=3.0) as slow, receiving() as quick:
        ways: dict[str, Way] = {"slow": hook(slow, timeout_s=3.0), "quick": hook(quick)}
        rows = [delivery(id=f"dlv_{k}", edition=str(k), channel="quick") for k in range(20)]
        put(store, delivery(id="dlv_slow", channel="slow"), *rows)
        with running(store, ways):
            assert eventually(lambda: len(quick.taken) == 20 and len(slow.met) == 1)
            under_way = store.deliveries.get("dlv_slow")
    assert (under_way.state, under_way.tries, under_way.problem) == (Post.WAITING, 1, "")


def test_a_fault_of_ours_in_one_message_ends_no_thread(store: Store) -> None:
    """Whatever a channel raises costs a try, and those behind it are sent."""

    class Odd:
        place = "nowhere"
        sent: tuple[str, ...] = ()

        def send(self, delivery: Delivery) -> str:
            if delivery.id == "dlv_1":
                raise KeyError("secret")
            if delivery.id == "dlv_2" and delivery.tries == 0:
                raise NotTaken("later")
            self.sent = (*self.sent, delivery.id)
            return "noted"

    odd = Odd()
    with running(store, {"ops": odd}, tries=2):
        put(store, delivery(), delivery(id="dlv_2", edition="2"))
        assert eventually(lambda: state(store) is Post.DEAD and state(store, "dlv_2") is Post.SENT)
    assert store.deliveries.get("dlv_1").problem == "a fault of ours: KeyError"
    assert store.deliveries.get("dlv_2").problem == "noted"
    assert odd.sent == ("dlv_2",)


def test_what_waits_for_a_channel_that_is_gone_is_put_aside(store: Store) -> None:
    """It is not waited for forever, and says why."""
    put(store, delivery(channel="former"))
    with running(store, {}):
        assert state(store) is Post.DEAD
    assert "no channel of this name" in store.deliveries.get("dlv_1").problem


def test_nothing_is_tried_before_it_is_due(store: Store) -> None:
    """What failed a moment ago waits, also for a courier that comes anew."""
    put(store, delivery(due=time.time() + 3600))
    with receiving() as receiver, running(store, {"ops": hook(receiver)}):
        time.sleep(0.2)
    assert receiver.met == []


def test_a_process_that_died_in_its_last_try_leaves_a_dead_row(store: Store) -> None:
    """A try is used up when it begins, so that a message that kills its sender cannot kill it forever."""
    put(store, delivery(tries=3))
    with receiving() as receiver, running(store, {"ops": hook(receiver)}, tries=3):
        assert eventually(lambda: state(store) is Post.DEAD)
    assert receiver.met == []
    assert store.deliveries.get("dlv_1").problem == UNKNOWN


# ── killed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

SENDER = """
import os, signal, sys, time
from homeostat.alert.channels.webhook import Webhook
from homeostat.alert.courier import Courier
from homeostat.store import Store
from homeostat.store.deliveries import Deliveries

folder, url, death = sys.argv[1:]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
begin = Deliveries.begin
if death == "before":  # the try is written down, and nothing sent
    Deliveries.begin = lambda *given, **more: (begin(*given, **more), die())
if death == "after":  # sent and answered, and that is not written down
    Deliveries.end = die
store = Store.open(f"sqlite:///{folder}/store.db", f"{folder}/blobs")
way = Webhook(url=url, timeout_s=0.5, secret=b"s3cret")
courier = Courier(store, {"ops": way}, 12, 0.1, first_s=0.02, poll_s=0.01)
courier.start()
time.sleep(60)
"""


def sender(folder: Path, url: str, death: str = "") -> subprocess.Popen[bytes]:
    """A process that sends what waits, and dies by SIGKILL where it is told to."""
    return subprocess.Popen([sys.executable, "-c", SENDER, str(folder), url, death])


@pytest.mark.parametrize(("death", "arrived"), [("before", 1), ("after", 2)])
def test_kill_9_loses_nothing_and_repeats_at_most_the_try_it_fell_into(
    store: Store, tmp_path: Path, death: str, arrived: int
) -> None:
    """Killed between the answer and its being written down: the receiver meets the same key twice, and never a third
    time; one that remembers keys sees the alert exactly once. Killed before sending: once.
    """
    put(store, delivery())
    with receiving() as receiver:
        doomed = sender(tmp_path, receiver.address, death)
        assert doomed.wait(30) == -signal.SIGKILL
        assert state(store) is Post.WAITING
        assert store.deliveries.get("dlv_1").tries == 1
        heir = sender(tmp_path, receiver.address)
        try:
            assert eventually(lambda: state(store) is Post.SENT, within_s=30)
            time.sleep(0.5)
        finally:
            heir.kill()
            heir.wait()
    assert len(receiver.taken) == arrived
    assert {met.key for met in receiver.met} == {"dlv_1"}
    assert len({met.body for met in receiver.met}) == 1
    assert store.deliveries.get("dlv_1").tries == 2


def test_killed_while_nobody_answers(store: Store, tmp_path: Path) -> None:
    """Killed in the middle of a try that has no answer yet, any number of times: it arrives when somebody answers."""
    put(store, delivery())
    with receiving(SILENT, SILENT, silent_s=0.4) as receiver:
        for round in range(2):
            doomed = sender(tmp_path, receiver.address)
            assert eventually(lambda round=round: len(receiver.met) > round, within_s=30)  # type: ignore[misc]
            doomed.kill()
            doomed.wait()
        heir = sender(tmp_path, receiver.address)
        try:
            assert eventually(lambda: state(store) is Post.SENT, within_s=30)
        finally:
            heir.kill()
            heir.wait()
    assert len(receiver.taken) == 1
    assert {met.key for met in receiver.met} == {"dlv_1"}


def test_a_receiver_that_comes_back_gets_what_waited(store: Store) -> None:
    """Nobody listens at first; the message is there when somebody does."""
    port = free_port()
    away = Webhook(url=f"http://127.0.0.1:{port}", timeout_s=1, secret=SECRET)
    with running(store, {"ops": away}):
        put(store, delivery(due=NOW))
        assert eventually(lambda: store.deliveries.get("dlv_1").tries > 1)
        assert "refused" in store.deliveries.get("dlv_1").problem
    with receiving() as receiver, running(store, {"ops": hook(receiver)}):
        assert eventually(lambda: state(store) is Post.SENT)
    assert len(receiver.taken) == 1
