"""Drills by the clock: when one is due, what it waits for, and that none is begun twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mortal import Worker
from small_project import TASK, Gateway

from homeostat.config.schema import Config, Decide, Policy, Tasks
from homeostat.config.schema import Gateway as Door
from homeostat.loop.durable import TurnQueue
from homeostat.loop.undoing.drilling import comings, opened
from homeostat.loop.workshop import Workshop
from homeostat.release.drills import ordered
from homeostat.release.registry import promote, stop
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from homeostat.types.version import Version

DAY, WEEK = 86_400.0, 7 * 86_400.0
MONDAY = datetime(2025, 11, 24, 9, 0, tzinfo=UTC).timestamp()
TUESDAY = MONDAY + DAY + 3600.0
"""At ten."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A version that answers `routing`, which is asked something on Monday; it says what time it is."""
    with Store.open(f"sqlite:///{tmp_path / 'homeostat.db'}", tmp_path / "blobs") as made:
        for name in ("first", "other"):
            made.versions.put(Version(id=f"ver_{name}", task="routing", time=MONDAY, base="b", labels=("a", "b")))
        promote(made, "routing", "ver_first", "for a test", now=MONDAY)
        at(made, MONDAY)
        yield made


def at(store: Store, moment: float) -> None:
    """Let it be this time, by a request that comes then."""
    row = Interaction(id=f"int_{moment:.0f}", task="routing", time=moment, text="hi", reply="a", version="ver_first")
    store.interactions.add([row])


def config(*, own: str = "", **more: Any) -> Config:
    """A drill every Tuesday at ten, beside a task whose own policy is quiet at times."""
    tuesdays = Policy(**{"any": {"schedule": "0 10 * * 2"}, "action": "drill", **more})
    steady = Policy(any={"labels": 500}, quiet=(own,) if own else ())
    return Config(
        tasks={"routing": Tasks(policy="steady"), "other": Tasks()},
        policies={"tuesdays": tuesdays, "steady": steady},
        gateway=Door(trust_client_time=True),
    )


def ended(store: Store, turn: Turn) -> None:
    store.turns.put(replace(turn, state="release"))


def test_a_schedule_is_counted_from_the_first_look(store: Store) -> None:
    """A policy that is new in the file drills nobody at once; then one drill comes of its moment, and no second one,
    and the next week another kind. Who has written nothing yet tells the same moment.
    """
    (coming,) = comings(config(), store, "routing")
    assert (coming.next, coming.due, coming.kind, coming.policy) == (TUESDAY, False, "sabotaged", "tuesdays")
    assert not coming.counted
    assert opened(config(), store, "routing") is None
    assert comings(config(), store, "routing")[0].counted
    at(store, TUESDAY - 1.0)
    assert opened(config(), store, "routing") is None
    at(store, TUESDAY + 60.0)
    first = opened(config(), store, "routing")
    assert first is not None
    assert (first.story, first.under_way, ordered(store, first.id).fault.kind) == ("drill", True, "sabotaged")
    assert ordered(store, first.id).policy == "tuesdays"
    ended(store, first)
    assert opened(config(), store, "routing") is None
    assert comings(config(), store, "routing")[0].next == TUESDAY + WEEK
    at(store, TUESDAY + WEEK + 60.0)
    second = opened(config(), store, "routing")
    assert second is not None
    assert (second.id != first.id, ordered(store, second.id).fault.kind) == (True, "slow")


def test_moments_that_were_missed_are_one_drill(store: Store) -> None:
    """For three weeks no worker ran."""
    opened(config(), store, "routing")
    at(store, TUESDAY + 3 * WEEK + DAY)
    (coming,) = comings(config(), store, "routing")
    assert (coming.due, coming.waits) == (True, "")
    drill = opened(config(), store, "routing")
    assert drill is not None
    assert drill.id == coming.drill
    ended(store, drill)
    assert opened(config(), store, "routing") is None


def test_a_crash_between_its_row_and_its_schedule(store: Store) -> None:
    """The row is there and the schedule does not know: none is begun beside it, nor when it has ended."""
    opened(config(), store, "routing")
    since = store.state.get("drills:tuesdays:routing")
    at(store, TUESDAY + 60.0)
    drill = opened(config(), store, "routing")
    assert drill is not None
    store.state.put("drills:tuesdays:routing", since)
    assert opened(config(), store, "routing") is None
    ended(store, drill)
    assert opened(config(), store, "routing") is None
    assert opened(config(), store, "routing") is None
    assert [turn.id for turn in store.turns.list("routing")] == [drill.id]
    assert comings(config(), store, "routing")[0].next == TUESDAY + WEEK


def test_what_it_waits_for(store: Store) -> None:
    """A turn, a candidate that is tried, quiet hours of the drills or of the task: then it is due, and says why it is
    not begun; when that is over, it is.
    """
    opened(config(), store, "routing")
    at(store, TUESDAY + 60.0)

    def waits(settings: Config) -> str:
        assert opened(settings, store, "routing") is None
        (coming,) = comings(settings, store, "routing")
        assert coming.due
        return coming.waits

    store.turns.put(turn := Turn(id="trn_1", task="routing", time=TUESDAY))
    assert waits(config()) == "trn_1 is under way"
    ended(store, turn)
    assert waits(config(quiet=("Tue 08:00-12:00",))) == "quiet hours until 2025-11-25 12:00"
    assert waits(config(own="Tue 08:00-13:00")) == "quiet hours until 2025-11-25 13:00"
    open_shadow(store, "routing", "ver_other", now=TUESDAY)
    assert waits(config()) == "ver_other is under way"
    stop(store, store.releases.list("routing")[-1], "for a test", now=TUESDAY)
    assert opened(config(), store, "routing") is not None


def test_it_waits_where_nobody_asks(store: Store) -> None:
    """By the real clock, long past the last request: nobody would meet what is broken. Who asks next begins it."""
    settings = replace(config(), gateway=Door())
    store.state.put("drills:tuesdays:routing", MONDAY)
    assert opened(settings, store, "routing") is None
    assert comings(settings, store, "routing")[0].waits == "nobody has asked for an hour"
    at(store, time.time())
    assert opened(settings, store, "routing") is not None


def test_nothing_is_written_where_nothing_drills(store: Store) -> None:
    """Without such a policy, and for a task that no version answers."""
    plain = replace(config(), policies={"steady": Policy(any={"labels": 500})})
    assert opened(plain, store, "routing") is None
    assert comings(plain, store, "routing") == comings(config(), store, "other") == []
    assert store.state.get("drills:tuesdays:routing") is None


def test_a_worker_that_is_killed_drills_once(project: Config, queue: TurnQueue, workers: Callable[..., Worker]) -> None:
    """The clock says so: the worker releases a broken version, is killed over it, goes on with the same drill when it
    is there again, and the guard takes the version back. No second drill comes of the same moment.
    """
    policies = {"often": Policy(any={"schedule": "every 1 year"}, action="drill")}
    clocked = replace(project, decide=Decide(min_labels=100_000), policies=policies)
    shop = Workshop.open(clocked)
    champion, gateway = shop.champion(TASK), Gateway(shop)
    shop.store.state.put(f"drills:often:{TASK}", 1_000_000.0)
    (row,) = shop.store.interactions.last(TASK, 1)
    shop.store.interactions.add([replace(row, id="int_now", time=time.time())])
    worker = workers(clocked, death="done:push")
    assert gateway.serve(lambda: not worker.alive)
    workers(clocked)
    (drill,) = (turn for turn in shop.store.turns.list(TASK) if turn.story == "drill")
    assert gateway.serve(lambda: queue.finished(drill.id))
    (turn,) = shop.store.turns.list(TASK)
    assert (turn.id, turn.state, ordered(shop.store, turn.id).policy) == (drill.id, "release", "often")
    assert "harm shown" in turn.because
    assert [row.stage for row in shop.store.releases.list(TASK)] == [Stage.FULL, Stage.CANARY, Stage.ROLLBACK]
    assert shop.champion(TASK) == champion
    shop.close()
