"""Orders of drills, whose turn it is, and what came of one."""

from dataclasses import replace

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.errors import NotReleasable
from homeostat.release.breaking import BIASED, ERRORING, SABOTAGED, SLOW
from homeostat.release.drills import WITHIN_S, due, order, ordered, outcome
from homeostat.release.noted import note_error
from homeostat.release.rollout import advance, open_canary
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from release.rehearsal import RIGHT, TASK, Traffic, interaction

SETTINGS = Settings()
OLD, NEW = "ver_old", "ver_new"


def tagged(store: Store, **counts: int) -> None:
    """Requests with so many of each segment."""
    rows = [(segment, k) for segment, n in counts.items() for k in range(n)]
    made = [replace(interaction(f"int_{s}{k}", OLD, RIGHT), tags={"segment": s}) for s, k in rows]
    store.interactions.add(made)


def test_an_order_is_kept(store: Store) -> None:
    """What a drill shall do is read back by whoever runs it; one without an order is of a sabotaged version."""
    assert ordered(store, "trn_1").fault.kind == SABOTAGED
    assert ordered(store, "trn_1").within_s == WITHIN_S
    made = order(store, TASK, "trn_2", SLOW, 60.0)
    assert ordered(store, "trn_2") == made
    assert made.within_s == 60.0


def test_a_bias_needs_a_slice(store: Store) -> None:
    """The slice nearest to three tenths of the traffic is wronged; where no tags are sent there is none."""
    with pytest.raises(NotReleasable, match="no slices"):
        order(store, TASK, "trn_1", BIASED)
    assert due(store, TASK) == SABOTAGED
    tagged(store, home=60, shop=28, bank=12)
    made = order(store, TASK, "trn_1", BIASED)
    assert made.fault.slice == ("segment", "shop")
    assert ordered(store, "trn_1") == made


def test_each_kind_has_its_turn(store: Store) -> None:
    """The kind that was drilled longest ago is due."""
    tagged(store, home=60, shop=40)
    for k in range(6):
        kind = due(store, TASK)
        assert kind == (SABOTAGED, SLOW, ERRORING, BIASED)[k % 4]
        order(store, TASK, f"trn_{k}", kind)
        store.turns.put(Turn(id=f"trn_{k}", task=TASK, time=float(k), diary={"push": ""}))


def drilled(store: Store, errors: int, *, until: float) -> str:
    """A drill of an erroring version that failed so often, led to its end."""
    order(store, TASK, "trn_1", ERRORING)
    release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0, until=until)
    store.turns.put(Turn(id="trn_1", task=TASK, time=2.0, diary={"push": release.id}))
    store.interactions.add([interaction("int_1", NEW, RIGHT)])
    for k in range(errors):
        note_error(store, release, NEW, f"int_failed{k}", "broken")
    assert advance(store, TASK, SETTINGS, now=12.0).stage is Stage.ROLLBACK
    return "trn_1"


def test_what_came_of_a_drill(store: Store) -> None:
    """Seen and taken back, in so many seconds, with so many users exposed."""
    found = outcome(store, TASK, drilled(store, 20, until=1000.0), SETTINGS)
    assert (found["kind"], found["version"], found["withdrawn"], found["seen"]) == (ERRORING, NEW, True, True)
    assert (found["seconds"], found["exposed_requests"], found["failed_requests"]) == (10.0, 1, 20)
    assert "harm shown" in found["because"]
    assert found["evidence"]["errors"] == 20


def test_a_drill_that_was_not_seen(store: Store) -> None:
    """Time was up: the version is taken back, and the drill has failed."""
    found = outcome(store, TASK, drilled(store, 1, until=10.0), SETTINGS)
    assert (found["withdrawn"], found["seen"]) == (True, False)
    assert "time was up" in found["because"]


def test_a_drill_that_broke_off(store: Store) -> None:
    """Nothing was released: there is nothing to count, and the turn says why."""
    store.turns.put(Turn(id="trn_1", task=TASK, time=2.0, state="failed", because="no disk", diary={"push": ""}))
    found = outcome(store, TASK, "trn_1", SETTINGS)
    assert (found["version"], found["withdrawn"], found["seen"], found["seconds"]) == ("", False, False, None)
    assert found["because"] == "no disk"


def test_a_drill_whose_share_was_raised_is_told_whole(store: Store) -> None:
    """The evidence is that of the last row of its canary, the time is counted from the first."""
    order(store, TASK, "trn_1", ERRORING)
    release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0, until=99.0)
    store.turns.put(Turn(id="trn_1", task=TASK, time=2.0, diary={"push": release.id}))
    Traffic(store, accuracy={OLD: 0.9, NEW: 0.9}).send(release, 14)
    raised = advance(store, TASK, SETTINGS, now=12.0)
    assert (raised.stage, raised.share, raised.until) == (Stage.CANARY, SETTINGS.ramp[1], 99.0)
    for k in range(18):
        note_error(store, raised, NEW, f"int_failed{k}", "broken")
    assert advance(store, TASK, SETTINGS, now=32.0).stage is Stage.ROLLBACK
    told = outcome(store, TASK, "trn_1", SETTINGS)
    assert (told["seen"], told["failed_requests"], told["seconds"]) == (True, 18, 30.0)
