"""Batching: what shares a forward pass, what waits for what, and who hears of an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import wait
from pathlib import Path

import pytest

from homeostat.errors import NotFound
from homeostat.llm.backend import Reply, Request
from homeostat.serve import batch
from homeostat.serve.batch import Batcher
from homeostat.types.task import Task
from homeostat.types.version import Version
from keywords import KeywordBackend

TASK = Task(name="routing")


def backend(**cost: float) -> KeywordBackend:
    made = KeywordBackend(**cost)
    for name in ("old", "new"):
        made.load(Version(id=name, task="routing", time=0.0, base="keywords", labels=("a", "b")), None)
    return made


def ask(text: str = "hello", version: str = "old") -> Request:
    return Request(task=TASK, text=text, version=version)


def test_requests_that_come_while_a_batch_is_computed_share_the_next_one() -> None:
    """Ten callers behind a slow batch are answered by one call, none beyond the configured number of rows."""
    slow = backend(seconds_per_batch=0.1)
    batcher = Batcher(slow, rows=8)
    first = batcher.put(ask())
    time.sleep(0.03)
    others = [batcher.put(ask()) for _ in range(10)]
    wait([first, *others], timeout=5)
    batcher.close()
    assert [len(b) for b in slow.batches] == [1, 8, 2]


def test_a_lone_caller_does_not_wait_for_company() -> None:
    """One after the other, requests take no longer than the backend and a thread switch."""
    batcher = Batcher(backend(), rows=8)
    took = []
    for _ in range(50):
        started = time.perf_counter()
        batcher.put(ask()).result(5)
        took.append(time.perf_counter() - started)
    batcher.close()
    assert sorted(took)[25] < batch.LINGER_S


def test_callers_that_come_back_together_are_gathered_again() -> None:
    """After a batch of several, the thread lingers for its callers, so that rounds of eight stay together."""
    quick = backend(seconds_per_batch=0.01)
    batcher = Batcher(quick, rows=8)

    def caller() -> None:
        for _ in range(20):
            batcher.put(ask()).result(5)

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batcher.close()
    assert sum(map(len, quick.batches)) == 160
    assert len(quick.batches) < 40


def test_a_request_that_cannot_be_answered_takes_no_other_with_it() -> None:
    """In a batch with a bad request the others get their replies and only its caller gets the error."""
    slow = backend(seconds_per_batch=0.05)
    batcher = Batcher(slow, rows=8)
    first = batcher.put(ask())
    time.sleep(0.02)
    good, bad, unloaded = batcher.put(ask()), batcher.put(ask("raise")), batcher.put(ask(version="gone"))
    assert first.result(5).text == good.result(5).text == "a"
    with pytest.raises(ValueError, match="cannot be answered"):
        bad.result(5)
    with pytest.raises(LookupError, match="not loaded"):
        unloaded.result(5)
    assert batcher.alive
    batcher.close()


def test_copies_wait_until_no_request_does() -> None:
    """Copies put first are answered after the requests put after them, a few rows at once."""
    slow = backend(seconds_per_batch=0.02)
    batcher = Batcher(slow, rows=8)
    first = batcher.put(ask())
    copies = [batcher.put_copy(ask(version="new")) for _ in range(6)]
    requests = [batcher.put(ask()) for _ in range(20)]
    wait([first, *requests, *(c for c in copies if c)], timeout=5)
    batcher.close()
    assert [b[0] for b in slow.batches] == ["old"] * (len(slow.batches) - 2) + ["new", "new"]
    assert [len(b) for b in slow.batches][-2:] == [batch.COPY_ROWS, 6 - batch.COPY_ROWS]


@pytest.mark.slow
def test_under_load_without_a_pause_copies_get_their_small_share() -> None:
    """With callers always waiting, copies move on, and take about the share of the time that is theirs."""
    slow = backend(seconds_per_batch=0.01)
    batcher = Batcher(slow, rows=8)
    stop = time.perf_counter() + 3.0

    def caller() -> None:
        while time.perf_counter() < stop:
            batcher.put(ask()).result(5)

    threads = [threading.Thread(target=caller) for _ in range(16)]
    for thread in threads:
        thread.start()
    copies = [batcher.put_copy(ask(version="new")) for _ in range(1000)]
    for thread in threads:
        thread.join()
    done = sum(c.done() for c in copies if c)
    of_copies = sum("new" in b for b in slow.batches) / len(slow.batches)
    assert done >= batch.COPY_ROWS
    assert of_copies < 0.2
    batcher.close()


def test_closing_answers_requests_and_gives_up_copies() -> None:
    """Whoever waits gets a reply; a copy gets an error; nothing is taken afterwards."""
    slow = backend(seconds_per_batch=0.05)
    batcher = Batcher(slow, rows=1)
    requests = [batcher.put(ask()) for _ in range(3)]
    copy = batcher.put_copy(ask(version="new"))
    batcher.close()
    assert [r.result(0).text for r in requests] == ["a"] * 3
    assert copy is not None
    assert isinstance(copy.exception(0), RuntimeError)
    assert batcher.put_copy(ask()) is None
    with pytest.raises(RuntimeError, match="closed"):
        batcher.put(ask())


def test_an_impatient_caller_cannot_cancel_a_request() -> None:
    """Cancelling the future does nothing: the row will be written and others in the batch get theirs."""
    slow = backend(seconds_per_batch=0.05)
    batcher = Batcher(slow, rows=8)
    waiting = [batcher.put(ask()) for _ in range(3)]
    assert not waiting[2].cancel()
    assert waiting[2].result(5).text == "a"
    batcher.close()


def test_a_version_is_loaded_from_its_folder(tmp_path: Path) -> None:
    """The tests' own backend answers with what the folder says, and not at all before."""
    (tmp_path / "words.json").write_text('{"a": "x", "b": "hello"}')
    made = KeywordBackend()
    made.load(Version(id="v", task="routing", time=0.0, base="keywords", labels=("a", "b")), tmp_path)
    assert made.reply([ask(version="v")])[0].text == "b"
    assert made.score([ask(version="v")])[0].argmax() == 1


def test_a_race_puts_one_request_to_two_versions_alone() -> None:
    """Whatever else waits, each side has a pass of its own; their order is drawn, and both are timed."""
    quick = backend(seconds_per_batch=0.005)
    batcher = Batcher(quick, rows=8)
    races = [batcher.put_race(ask(), "new") for _ in range(12)]
    copies = [batcher.put_copy(ask()) for _ in range(4)]
    done = [race.result(5) for race in races if race]
    wait([copy for copy in copies if copy], timeout=5)
    batcher.close()
    assert len(done) == 12
    assert all(set(one.took_ms) == {"old", "new"} and min(one.took_ms.values()) >= 5.0 for one in done)
    assert {one.reply.text for one in done} == {"a"}
    pairs = [tuple(version for [version] in quick.batches[2 * k : 2 * k + 2]) for k in range(12)]
    assert set(pairs) == {("old", "new"), ("new", "old")}


def test_a_race_in_which_one_side_fails() -> None:
    """If the other version fails there is the reply and no time; if its own does, the error."""
    batcher = Batcher(backend(), rows=8)
    with_none, failing = batcher.put_race(ask(), "gone"), batcher.put_race(ask(version="gone"), "old")
    assert with_none is not None
    assert failing is not None
    assert with_none.result(5).took_ms == {}
    assert with_none.result(5).reply.text == "a"
    with pytest.raises(NotFound):
        failing.result(5)
    batcher.close()
    assert batcher.put_race(ask(), "new") is None


def lanes(hangs: float = 0.0) -> tuple[KeywordBackend, Batcher]:
    """A backend that gathers its batches itself, asked from four threads; `new` takes `hangs` seconds longer."""

    class Server(KeywordBackend):
        def reply(self, requests: Sequence[Request]) -> list[Reply]:
            if requests[0].version == "new":
                time.sleep(hangs)
            return super().reply(requests)

    made = Server(seconds_per_batch=0.1, concurrent=True)
    for name in ("old", "new"):
        made.load(Version(id=name, task="routing", time=0.0, base="keywords", labels=("a", "b")), None)
    return made, Batcher(made, rows=1, lanes=4)


def test_lanes_ask_side_by_side() -> None:
    """Eight requests to a backend that gathers its own batches take the time of two, one to a call."""
    server, batcher = lanes()
    started = time.perf_counter()
    wait([batcher.put(ask()) for _ in range(8)], timeout=5)
    assert time.perf_counter() - started < 0.6
    assert [len(b) for b in server.batches] == [1] * 8
    assert batcher.alive
    batcher.close()
    assert not batcher.alive


def test_a_version_that_hangs_leaves_lanes_to_the_others() -> None:
    """Copies that hang take half of the lanes; requests are answered meanwhile, and the copies in their time."""
    _, batcher = lanes(hangs=1.0)
    copies = [batcher.put_copy(ask(version="new")) for _ in range(4)]
    time.sleep(0.1)
    started = time.perf_counter()
    wait([batcher.put(ask()) for _ in range(4)], timeout=5)
    assert time.perf_counter() - started < 0.8
    assert all(copy is not None and copy.result(5).text in ("a", "b") for copy in copies)
    batcher.close()
