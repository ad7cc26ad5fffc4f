"""SQLite's files are written anew while others use them, or it is said why not."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.store import Store
from homeostat.types.interaction import Interaction


def request(number: int, text: str, episode: str = "") -> Interaction:
    """A request that nobody's version answered."""
    return Interaction(
        id=f"int_{number}", task="t", time=float(number), text=text, reply="", version="", episode=episode
    )


@pytest.mark.slow
def test_whoever_reads_in_the_way_is_named(tmp_path: Path) -> None:
    """A reader that holds a moment of the database keeps its log from being cut off: that is said, and once it has
    ended, doing it again does it.
    """
    with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as store:
        store.interactions.add([request(k, f"my words of number {k}", "alice") for k in range(50)])
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM interactions").fetchone() == (50,)
            traces = store.erasure.traces("alice")
            store.erasure.forget(traces)
            assert "reading the database" in store.erasure.clean(patience_s=0.5)
            assert not store.remains([tmp_path], traces.texts).nothing
            assert reader.execute("SELECT count(*) FROM interactions").fetchone() == (50,)
            reader.execute("COMMIT")
            assert store.erasure.clean(patience_s=5.0) == ""
            assert store.remains([tmp_path], traces.texts).nothing


def test_live_traffic_goes_on(tmp_path: Path) -> None:
    """Another store on the same file writes all the while: each of its rows is there afterwards, the user's are not."""
    stop, written = threading.Event(), list[int]()

    def live() -> None:
        with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as gateway:
            while not stop.is_set():
                number = 1000 + len(written)
                gateway.interactions.add([request(number, f"somebody else asks {number}", "bob")])
                written.append(number)
                gateway.interactions.last("t", 5)
                time.sleep(0.001)

    with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as store:
        store.interactions.add([request(k, f"my words of number {k}", "alice") for k in range(200)])
        thread = threading.Thread(target=live)
        thread.start()
        while len(written) < 5:
            time.sleep(0.01)
        traces = store.erasure.traces("alice")
        store.erasure.forget(traces)
        blocked = store.erasure.clean()
        during = len(written)
        stop.set()
        thread.join()
        assert during > 5
        assert blocked == ""
        assert store.remains([tmp_path], traces.texts).nothing
        assert store.interactions.count("t") == len(written)
        assert store.verify() == []
