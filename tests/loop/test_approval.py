"""A turn that waits for a person: nothing waits with it, who answers first is heard, and a crash changes nothing."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mortal import Worker, through
from small_project import TASK, Gateway

from homeostat.config.schema import Config, Policy
from homeostat.decide.record import book
from homeostat.errors import NotAwaited, NotFound
from homeostat.loop.approval import answer, awaiting
from homeostat.loop.durable import TurnQueue, workflow
from homeostat.loop.workshop import Workshop
from homeostat.types.turn import AWAITING, Turn


@pytest.fixture
def proposing(project: Config) -> Config:
    """The project under a policy that proposes."""
    tasks = {TASK: replace(project.tasks[TASK], policy="asking")}
    policy = Policy(action="propose", budget={"retrainings": 3, "cpu_hours": 1})
    return replace(project, tasks=tasks, policies={"asking": policy})


def told(left: dict[str, Any]) -> dict[str, Any]:
    """What a turn leaves, but for what an approval adds to it."""
    diary = {step: id for step, id in left["turn"]["diary"].items() if step != "approval"}
    decisions = [{**row, "policy": "", "inputs": ""} for row in left["decisions"]]
    return {**left, "turn": {**left["turn"], "diary": diary}, "decisions": decisions}


def test_a_rejected_turn_has_ended(proposing: Config) -> None:
    """It waits with its decision and nothing trained; a no ends it, with who and why, and frees its budget."""
    left = through(proposing)
    assert left["turn"]["state"] == AWAITING
    assert list(left["turn"]["diary"]) == ["watch", "decide", "act", "end"]
    with closing(Workshop.open(proposing)) as shop:
        (waiting,) = awaiting(shop.store)
        assert waiting.because.startswith("retrain: ")
        assert [one.turn for one in book(shop.store, "asking")] == [waiting.id]
        ended = answer(proposing, shop.store, waiting.id, yes=False, who="ana", why="not on a Friday")
        assert (ended.state, ended.because) == ("approval", "rejected by ana: not on a Friday")
        assert book(shop.store, "asking") == ()
        event = shop.store.events.list(waiting.id)[-1]
        assert (event.name, event.values) == ("approval", {"yes": False, "who": "ana", "why": "not on a Friday"})
        with pytest.raises(NotAwaited, match="rejected by ana"):
            answer(proposing, shop.store, waiting.id, yes=True, who="bo", why="")
        assert shop.store.turns.get(waiting.id) == ended
        assert awaiting(shop.store) == []


def test_who_waits_for_a_worker_waits_longer_on_a_busy_machine(shop: Workshop) -> None:
    """Patience is counted in looks as well: where each takes long, seconds alone would end it before anything could."""
    looks = 0

    def seldom() -> bool:
        nonlocal looks
        looks += 1
        time.sleep(0.1)
        return False

    began = time.monotonic()
    assert Gateway(shop).serve(seldom, patience_s=0.4) is False
    assert looks == 4
    assert time.monotonic() - began >= 0.4
    quick = time.monotonic()
    assert Gateway(shop).serve(lambda: False, patience_s=0.1) is False
    assert time.monotonic() - quick >= 0.1
    assert Gateway(shop).serve(lambda: looks == 4, patience_s=0.0) is True


def test_a_project_is_laid_by_a_worker_that_has_looked_at_nothing(shop: Workshop) -> None:
    """Copies of it would else begin with signals, or a turn, that the clock of the machine decides about."""
    assert shop.store.turns.list(TASK) == []
    assert shop.store.signals.list(TASK) == []
    assert shop.store.state.keys("watcher:") == []
    assert (Path(shop.config.folder) / "turns.db").exists()


@pytest.mark.slow
def test_who_waits_for_nobody(proposing: Config) -> None:
    """A turn that there is not, and one that is under way."""
    with closing(Workshop.open(proposing)) as shop:
        with pytest.raises(NotFound):
            answer(proposing, shop.store, "trn_none", yes=True, who="ana", why="")
        shop.store.turns.put(Turn(id="trn_1", task=TASK, time=1.0))
        with pytest.raises(NotAwaited, match="trn_1 waits for nobody: it is open"):
            answer(proposing, shop.store, "trn_1", yes=True, who="ana", why="")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [([], []), (["done:decide", "noted:end"], ["begin:watch", "done:act"]), (["done:end"], ["noted:curate.careful"])],
)
def test_an_approved_turn_goes_on_to_its_end(
    proposing: Config, undisturbed: dict[str, Any], before: list[str], after: list[str]
) -> None:
    """Whether or not workers die on the way, it leaves what a turn leaves that nobody had to approve."""
    waits = through(proposing, before)["turn"]
    assert waits["state"] == AWAITING
    with closing(Workshop.open(proposing)) as shop:
        answer(proposing, shop.store, waits["id"], yes=True, who="ana", why="")
    left = through(proposing, after)
    assert left["turn"]["diary"]["approval"] == "approved by ana"
    assert told(left) == told(undisturbed)
    with closing(Workshop.open(proposing)) as shop:
        (taken,) = book(shop.store, "asking")
        trained = [v.cost["cpu_seconds"] for v in shop.store.versions.list(TASK) if v.parent]
        assert taken.cpu_hours == pytest.approx(sum(trained) / 3600)


@pytest.mark.slow
def test_the_worker_does_other_things_meanwhile(proposing: Config) -> None:
    """While a turn waits, the queue is free for another one, and the task opens none beside it."""
    waits = through(proposing)["turn"]
    with closing(Workshop.open(proposing)) as shop, closing(TurnQueue(Path(proposing.folder))) as queue:
        assert queue.finished(waits["id"])
        approved = replace(shop.store.turns.get(waits["id"]), diary={**waits["diary"], "approval": "approved by ana"})
        assert not queue.knows(workflow(approved))
        worker = Worker(proposing)
        try:
            Gateway(shop).serve(lambda: worker.watching, patience_s=30.0)
            assert [turn.id for turn in shop.store.turns.list(TASK)] == [waits["id"]]
        finally:
            worker.stop()
