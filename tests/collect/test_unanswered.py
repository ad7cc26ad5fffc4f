"""Requests that got no reply are counted in stretches of time, together, and never in anybody's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.collect.unanswered import KEPT, KEY, STEP_S, Unanswered, unanswered
from homeostat.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs") as made:
        yield made


def test_a_storm_of_failures_is_one_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand failures in an instant from four threads: every one is counted, by status, in one or two writes."""
    writes: list[str] = []
    change = store.state.change
    monkeypatch.setattr(type(store.state), "change", lambda _, key, rule: (writes.append(key), change(key, rule))[1])
    counts = Unanswered(store, frozenset({"t"}))
    storm = [
        threading.Thread(target=lambda: [counts.note("t", 500 if k % 5 else 400) for k in range(2_500)])
        for _ in range(4)
    ]
    for one in storm:
        one.start()
    for one in storm:
        one.join()
    counts.write()
    assert len(writes) <= 3
    written = len(writes)
    counts.write()
    assert len(writes) == written  # nothing is new
    assert sum(one.n for one in unanswered(store) if one.status == 500) == 8_000
    assert sum(one.n for one in unanswered(store) if not one.fault) == 2_000


def test_it_is_written_without_being_asked(store: Store) -> None:
    """A single failure after which nothing comes is on disk a little later, in the stretch of its moment."""
    Unanswered(store, frozenset({"t"})).note("t", 503)
    until = time.monotonic() + 20
    while not unanswered(store) and time.monotonic() < until:
        time.sleep(0.05)
    (one,) = unanswered(store, "t")
    assert (one.task, one.status, one.n, one.start % STEP_S) == ("t", 503, 1, 0.0)
    assert abs(time.time() - one.start) < STEP_S + 30


def test_two_gateways_add_to_the_same_counts(store: Store) -> None:
    """Neither takes back what the other wrote; names of tasks that do not exist are not kept."""
    first, second = (Unanswered(store, frozenset({"t", "u"})) for _ in range(2))
    for counts, task in ((first, "t"), (second, "t"), (second, "u"), (first, "made up")):
        counts.note(task, 500)
        counts.write()
    assert sum(one.n for one in unanswered(store, "t")) == 3
    assert {one.task for one in unanswered(store)} == {"t", "u", ""}


def test_what_is_kept_is_bounded(store: Store) -> None:
    """The oldest stretches go."""
    store.state.put(KEY, [[STEP_S * k, "", 500, 1] for k in range(KEPT)])
    counts = Unanswered(store, frozenset())
    counts.note("", 500)
    counts.write()
    known = unanswered(store)
    assert len(known) == KEPT
    assert known[0].start == STEP_S
    assert known[-1].start > 1e9


def test_a_store_that_is_gone_is_no_failure_of_the_gateway(tmp_path: Path) -> None:
    """Counting goes on; what could not be written is told in the log alone."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    store.close()
    (tmp_path / "store.db").unlink()
    counts = Unanswered(store, frozenset())
    counts.note("", 500)
    counts.write()
    counts.note("", 500)
