"""A split is opened as it was ordered, looked after until it ends, and gone on with by the next worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from mortal import Worker
from small_project import TASK, Gateway

from homeostat.config.schema import Config, Decide
from homeostat.loop import splitting, steps
from homeostat.loop.durable import TurnQueue
from homeostat.loop.tending import tend
from homeostat.loop.undoing.drill import sabotage
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import rollback
from homeostat.release.split import Wish, order
from homeostat.types.release import Stage
from homeostat.types.turn import DIVIDED, Turn
from homeostat.types.version import State
from loop.bystander import NOW, candidate


@pytest.fixture
def project(project: Config) -> Config:
    """The project, in which no turn is opened by itself."""
    return replace(project, decide=Decide(min_labels=100_000))


def test_it_is_opened_once_and_looked_after(shop: Workshop) -> None:
    """Opened again it is the same; whoever looks comes back when somebody has ended it, and the turn says why."""
    order(shop.store, NOW.turn, Wish(versions=(candidate(shop),), share=0.25))
    opened = splitting.opened(shop, NOW)
    assert splitting.opened(shop, NOW) == opened
    row = shop.store.releases.get(opened)
    assert (row.stage, dict(row.shares)) == (Stage.SPLIT, {"ver_2": 0.25})
    left: list[str] = []
    waiting = threading.Thread(target=lambda: left.append(splitting.advance(shop, NOW, opened)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    back = rollback(shop.store, TASK, "enough", now=time.time())
    waiting.join(10)
    assert left == [back.id]
    assert splitting.opened(shop, NOW) == back.id
    assert steps.end(shop, NOW, "release", back.id) == "release"
    assert shop.store.turns.get(NOW.turn).because == "enough"


@pytest.mark.slow
def test_a_killed_worker_leaves_the_split_to_the_next(
    shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker]
) -> None:
    """Killed right after the row is written: requests go on, the next worker sees the harm and ends it, and there has
    been one split.
    """
    bad = sabotage(shop, TASK, "trn_by_hand")
    shop.store.versions.put(replace(bad, recipe={"name": "by hand"}))
    turn = Turn(id="trn_split", task=TASK, time=time.time(), diary={DIVIDED: bad.id})
    assert turn.story == "split"
    shop.store.turns.put(turn)
    order(shop.store, turn.id, Wish(versions=(bad.id,), adaptive=True))
    gateway = Gateway(shop)
    tend(shop, queue, turn)
    worker = workers(death="row:split")
    gateway.serve(lambda: not worker.alive)
    assert worker.killed
    workers()
    assert gateway.serve(lambda: queue.finished(turn.id))
    rows = shop.store.releases.list(TASK)
    assert [row.stage for row in rows] == [Stage.FULL, Stage.SPLIT, Stage.ROLLBACK]
    assert rows[1].trial == rows[2].trial != ""
    ended = shop.store.turns.get(turn.id)
    assert (ended.state, "left the split" in ended.because or "shown to be best" in ended.because) == ("release", True)
    assert shop.store.versions.get(bad.id).state is State.WITHDRAWN
    answered = shop.store.interactions.list(TASK, version=bad.id)
    assert {row.probability for row in answered if row.time > rows[1].time} == {0.5}
