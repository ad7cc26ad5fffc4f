"""The customers of the story, at a real gateway."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.collect.stream import Split, StreamRow
from homeostat.gateway.server import served
from homeostat.loop.story.replay import Replay
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from keywords import KeywordBackend, add_version, configured, release

ROWS = [
    StreamRow(index=k, text=f"my parcel is late {k}", label="delivery", time=100.0 + k, split=Split.LIVE)
    for k in range(12)
]


@pytest.fixture
def answerer(tmp_path: Path) -> Iterator[Answerer]:
    """A champion and a candidate in shadow, both slow: copies take longer than the traffic waits by itself."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    champion = add_version(store, tmp_path, refund="money back", delivery="parcel late")
    release(store, Stage.SHADOW, champion, add_version(store, tmp_path, other="x"))
    made = Answerer(KeywordBackend(seconds_per_batch=0.1), store, configured(trust_client_time=True))
    yield made
    made.close()
    store.close()


@pytest.fixture
def replay(answerer: Answerer) -> Iterator[Replay]:
    """Customers of whom all say what was right."""
    with served(answerer, answerer.gateway) as url:
        made = Replay(url, "routing", len(ROWS), len(ROWS))
        yield made
        made.close()


def test_every_row_is_answered_and_told_about_late(replay: Replay, answerer: Answerer) -> None:
    """Replies come in the order of the rows; feedback on all of them waits for its time, or for the end."""
    sent = replay.send(ROWS)
    assert [s.row.index for s in sent] == list(range(12))
    assert {s.reply for s in sent} == {"delivery"}
    assert (replay.sent, replay.dropped, replay.given, replay.clock) == (12, 0, 0, 111.0)
    replay.deliver(everything=True)
    assert replay.given == 12
    told = answerer.store.feedback.list("routing")
    assert {row.value for row in told} == {"delivery"}
    assert {row.interaction for row in told} == {s.interaction for s in sent}


def test_the_traffic_waits_for_the_copies(replay: Replay, answerer: Answerer) -> None:
    """Afterwards the other version has answered every request too; with less patience it goes on without."""
    replay.send(ROWS)
    began = time.monotonic()
    replay.let_copy(0.1)
    assert time.monotonic() - began < 1.0
    assert answerer.copies.counts["open"] > 0
    replay.let_copy(30.0)
    assert answerer.copies.counts["open"] == 0
    assert answerer.copies.counts["stored"] == len(ROWS)
