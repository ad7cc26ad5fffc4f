"""The writer: durable when it says so, bounded, and alive after errors."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from homeostat.collect.writer import QUEUE_ROWS, Counts, Writer
from homeostat.errors import StoreFull
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


def said(k: int) -> Interaction:
    return Interaction(id=f"int_{k}", task="routing", time=float(k), text=f"text {k}", reply="refund", version="ver_1")


def labeled(k: int, interaction: str = "") -> Feedback:
    return Feedback(
        id=f"fbk_{k}", interaction=interaction or f"int_{k}", kind=FeedbackKind.LABEL, value="delivery", time=float(k)
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    yield opened
    opened.close()


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let the database grow by no more than a few pages."""
    engine = store._database.engine

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 8}")

    event.listen(engine, "connect", limit)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


def test_a_row_is_in_the_store_when_its_future_is_done(store: Store) -> None:
    """What `put` promised can be read back at once, interactions and feedback alike."""
    writer = Writer(store)
    for k in range(20):
        writer.put(said(k)).result(5)
        writer.put(labeled(k)).result(5)
        assert store.interactions.get(f"int_{k}") == said(k)
    writer.close()
    assert writer.counts == Counts(accepted=40, stored=40, failed=0)
    assert len(store.interactions.labeled("routing")) == 20


def test_many_threads_share_transactions_and_nothing_is_lost(store: Store) -> None:
    """Rows put by eight threads at once are all stored, in far fewer transactions than rows."""
    writer = Writer(store)
    futures: list[object] = []

    def put(start: int) -> None:
        for k in range(start, start + 250):
            futures.append(writer.put(said(k)))

    threads = [threading.Thread(target=put, args=(250 * t,)) for t in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.flush()
    assert store.interactions.count("routing") == 2000
    writer.close()
    assert writer.counts == Counts(accepted=2000, stored=2000, failed=0)


def test_a_row_that_the_store_refuses_fails_alone(store: Store) -> None:
    """Feedback on nothing, put among good rows, fails; the others of its batch are stored and the writer lives on."""
    store.interactions.add([said(k) for k in range(100)])
    writer = Writer(store)
    bad = Interaction(id="int_bad", task="routing", time=0.0, text="x", reply="y", version="v", tags={"a": {1, 2}})  # type: ignore[dict-item]
    futures = [writer.put(row) for row in (said(500), bad, said(501), labeled(1))]
    wait(futures, timeout=10)
    assert [f.exception() is None for f in futures] == [True, False, True, True]
    assert writer.counts == Counts(accepted=4, stored=3, failed=1)
    assert writer.put(said(502)).result(5) is None
    writer.close()


def test_a_row_put_twice_is_stored_once(store: Store) -> None:
    """Rows are taken by id, so that a step that is run again changes nothing."""
    writer = Writer(store)
    wait([writer.put(said(1)), writer.put(said(1)), writer.put(said(1))])
    writer.close()
    assert store.interactions.count("routing") == 1


def test_put_waits_while_the_queue_is_full(store: Store) -> None:
    """With the store held by somebody else, the queue fills up and `put` waits; nothing is dropped."""
    writer = Writer(store, queue_rows=4)
    putting = threading.Thread(target=lambda: [writer.put(said(k)) for k in range(50)])
    with store.interactions._database.write():  # another writer's transaction, held open
        putting.start()
        time.sleep(0.3)
        assert putting.is_alive()
        assert writer.counts.accepted < 50
        assert writer.counts.stored == 0
    putting.join(10)
    writer.close()
    assert writer.counts == Counts(accepted=50, stored=50, failed=0)


def test_a_full_disk_fails_what_waits_and_changes_nothing_stored(store: Store) -> None:
    """Every row that finds no room has the store's error; what was stored stays, and later rows are taken again."""
    writer = Writer(store)
    writer.put(said(0)).result(5)
    with full_disk(store):
        futures = [writer.put(said(k)) for k in range(1, 2000)]
        problems = [future.exception(30) for future in futures]
    assert {type(problem) for problem in problems if problem} == {StoreFull}
    stored = [k for k, problem in enumerate(problems, 1) if problem is None]
    writer.put(said(5000)).result(5)
    writer.close()
    assert {row.id for row in store.interactions.list("routing")} == {f"int_{k}" for k in (0, *stored, 5000)}
    assert writer.counts == Counts(accepted=2001, stored=2 + len(stored), failed=1999 - len(stored))


def test_closing_writes_what_waits_and_takes_no_more(store: Store) -> None:
    """All rows put before `close` are stored; afterwards `put` is an error and `flush` and `close` do nothing."""
    writer = Writer(store)
    for k in range(1000):
        writer.put(said(k))
    assert writer.alive
    writer.close()
    assert store.interactions.count("routing") == 1000
    assert not writer.alive
    writer.flush()
    writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        writer.put(said(1))
    assert QUEUE_ROWS > 1000


def test_kill_9_loses_no_acknowledged_row(tmp_path: Path) -> None:
    """A process killed while four threads write has stored every row whose future was done before."""
    url, blobs = f"sqlite:///{tmp_path / 'store.db'}", str(tmp_path / "blobs")
    command = [sys.executable, "-c", _WRITE_UNTIL_KILLED, url, blobs]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(400)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    store = Store.open(url, blobs)
    stored = {row.id for row in store.interactions.list("t")}
    store.close()
    assert len(acknowledged) >= 400
    assert set(acknowledged) <= stored


_WRITE_UNTIL_KILLED = """
import itertools, os, sys, threading
from homeostat.collect.writer import Writer
from homeostat.store import Store
from homeostat.types.interaction import Interaction

writer, numbers = Writer(Store.open(*sys.argv[1:])), itertools.count()

def write():
    while True:
        row = Interaction(id=f"int_{next(numbers)}", task="t", time=0.0, text="x" * 500, reply="y", version="v")
        writer.put(row).result()
        os.write(1, (row.id + "\\n").encode())

for _ in range(4):
    threading.Thread(target=write).start()
"""
