"""Open turns that nobody works on are queued, or closed with a reason; those that go their way are left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dbos import DBOSClient
from mortal import Worker
from small_project import TASK, Gateway

from homeostat.loop.durable import TurnQueue, database
from homeostat.loop.steps import Now
from homeostat.loop.tending import tend
from homeostat.loop.undoing.drill import push
from homeostat.loop.undoing.rebuilding import STORY
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.release.rollout import open_shadow
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State

TURN = Turn(id="trn_1", task=TASK, time=7.0)


def test_a_turn_that_a_crash_kept_from_the_queue_is_queued(shop: Workshop, queue: TurnQueue) -> None:
    """The row of a turn is written first; if its process died then, the next one puts it into the queue."""
    shop.store.turns.put(TURN)
    tend(shop, queue, TURN)
    assert queue.knows(TURN.id)
    assert shop.store.turns.get(TURN.id) == TURN


@pytest.mark.slow
def test_a_drill_is_queued_as_a_drill(shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker]) -> None:
    """A drill that DBOS has forgotten is gone on with as what it is, and ends as one."""
    idle = replace(shop.config, decide=replace(shop.config.decide, min_labels=100_000))
    drill = replace(TURN, diary={"push": push(shop, Now(TURN.id, TASK, TURN.time))})
    shop.store.turns.put(drill)
    tend(shop, queue, drill)
    workers(idle)
    assert Gateway(shop).serve(lambda: queue.finished(drill.id))
    assert list(shop.store.turns.get(drill.id).diary) == ["push", "advance", "stage", "end"]


def test_a_turn_that_makes_a_version_again_is_queued_as_one(shop: Workshop, queue: TurnQueue) -> None:
    """What follows an erasure is gone on with as what it is, not as a turn that looks at traffic."""
    again = replace(TURN, diary={STORY: ""})
    shop.store.turns.put(again)
    tend(shop, queue, again)
    client = DBOSClient(system_database_url=database(Path(shop.config.folder)))
    (queued,) = client.list_workflows(workflow_ids=[again.id])
    client.destroy()
    assert queued.name == STORY


def test_a_turn_that_broke_off_is_closed_with_the_reason(shop: Workshop, queue: TurnQueue) -> None:
    """Its candidate, which nobody looks after any more, is taken back; the champion stays."""
    champion = shop.champion(TASK)
    candidate = register(shop.store, replace(champion, id="ver_2", state=State.CANDIDATE), None)
    open_shadow(shop.store, TASK, candidate.id, now=8.0)
    shop.store.turns.put(replace(TURN, diary={"release": "x"}))
    queue.open(TURN.id, TASK, TURN.time)
    queue.give_up(TURN.id)

    tend(shop, queue, TURN)

    closed = shop.store.turns.get(TURN.id)
    assert (closed.state, closed.because) == ("failed", "it broke off: cancelled")
    assert closed.diary == {"release": "x"}
    release = shop.store.releases.list(TASK)[-1]
    assert (release.stage, release.champion) == (Stage.ROLLBACK, champion.id)
    assert "it broke off" in release.because
    assert shop.store.versions.get(candidate.id).state is State.REFUSED


def test_a_turn_that_has_ended_since_it_was_read_stays_as_it_ended(shop: Workshop, queue: TurnQueue) -> None:
    """Whoever looks at an old row of a turn does not overwrite its end."""
    shop.store.turns.put(replace(TURN, state="gate", because="it forgot"))
    queue.open(TURN.id, TASK, TURN.time)
    queue.give_up(TURN.id)
    tend(shop, queue, TURN)
    assert shop.store.turns.get(TURN.id).state == "gate"


def test_a_step_that_fails_fails_its_turn_and_not_the_worker(shop: Workshop, workers: Callable[..., Worker]) -> None:
    """Without the file that holds the test rows nothing can be fenced: the turn ends as failed and says why, and the
    worker lives on.
    """
    shop.store.state.put(f"suite:{TASK}", "0" * 64)

    worker = workers()

    assert Gateway(shop).serve(lambda: any(t.state != "open" for t in shop.store.turns.list(TASK)))
    turn = shop.store.turns.list(TASK)[0]
    assert turn.state == "failed"
    assert turn.because.startswith("it broke off: ")
    assert "0" * 12 in turn.because
    assert list(turn.diary)[-1] == "attempts"
    assert worker.alive
