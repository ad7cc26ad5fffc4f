"""The episodes of a split: who drew each, what is known of it, and what is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.release.answered import Plan, Unit, keep_plan, plan_of, table_of, units_of, usual
from homeostat.release.noted import note_error
from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from release.rehearsal import RIGHT, TASK, WRONG, add_version, interaction, label, open_store

OLD, A, B = "ver_old", "ver_a", "ver_b"
PLAN = Plan(
    trial="spl_1",
    champion=OLD,
    weights={OLD: 0.5, A: 0.25, B: 0.25},
    slow_ms=100.0,
    long_tokens=50.0,
    slices=("tongue=de",),
)


def row(time: float, **shares: float) -> Release:
    named = {f"ver_{name}": share for name, share in shares.items()}
    return Release(
        id=f"rel_{time:g}", task=TASK, time=time, stage=Stage.SPLIT, champion=OLD, shares=named, trial=PLAN.trial
    )


ROWS = [row(100.0, a=0.25, b=0.25), row(200.0, a=1 / 3)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        for name in ("old", "a", "b"):
            add_version(opened, name)
        yield opened


def asked(id: str, time: float, version: str, p: float, episode: str, reply: str = RIGHT) -> Interaction:
    made = replace(interaction(f"int_{id}", version, reply), time=time, probability=p, episode=episode)
    return replace(made, tags={"tongue": "de" if episode.startswith("d") else "en"}, latency_ms=10.0, reply_tokens=2)


def found(store: Store, *rows: Interaction, plan: Plan = PLAN) -> list[Unit]:
    store.interactions.add(rows)
    return units_of(store, plan, ROWS)


def test_an_episode_is_one_unit_with_the_mean_of_what_is_known(store: Store) -> None:
    """Three requests, two of them told of: half right; its slice is that of its first request."""
    rows = [asked(f"{k}", 110.0 + k, A, 0.25, "d1", (RIGHT, WRONG, RIGHT)[k]) for k in range(3)]
    store.interactions.add(rows)
    store.feedback.add([label("int_0"), label("int_1")])
    [unit] = found(store)
    assert (unit.arm, unit.row, unit.slices) == (1, 0, {"tongue=de"})
    assert [told for told in unit.told if not math.isnan(told)] == [1.0, 0.0]
    table = table_of(PLAN, list(PLAN.weights), [unit], ROWS)
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "quality": [0.5],
        "errors": [1.0],
        "latency": [1.0],
        "cost": [1.0],
        "tongue=de": [0.5],
    }
    store.feedback.add([label("int_0", WRONG, at=300.0)])  # said anew: the newest counts
    assert table_of(PLAN, list(PLAN.weights), found(store), ROWS).columns["quality"].tolist() == [0.0]


def test_what_the_split_did_not_route_is_left_out(store: Store) -> None:
    """Before it began, by name, in the place of a version that failed, and by a version that had left."""
    units = found(
        store,
        asked("before", 90.0, OLD, 0.5, "e0"),
        asked("named", 120.0, A, 1.0, "e1"),
        asked("instead", 121.0, OLD, 1.0, "e2"),
        asked("late", 220.0, B, 0.25, "e3"),  # routed by the row before: the gateway had not looked yet
        asked("then", 221.0, OLD, 2 / 3, "e4"),
    )
    assert [(unit.arm, unit.row) for unit in units] == [(2, 0), (0, 1)]


def test_what_comes_after_its_version_has_left_does_not_count(store: Store) -> None:
    """The episode stays the unit of the version that it drew first."""
    [unit] = found(store, asked("1", 110.0, B, 0.25, "e1"), asked("2", 210.0, A, 1 / 3, "e1"))
    assert (unit.arm, len(unit.told)) == (2, 1)


def test_of_two_versions_only_the_time_counts_that_both_took_part(store: Store) -> None:
    """What the champion answers once one has left is nothing beside that one, and counts beside the other."""
    store.feedback.add([])
    rows = [asked(f"{k}", 110.0 + 20 * k, OLD, 0.5 if k < 5 else 2 / 3, f"e{k}") for k in range(8)]
    store.interactions.add(rows)
    store.feedback.add([label(row.id) for row in rows])
    table = table_of(PLAN, list(PLAN.weights), units_of(store, PLAN, ROWS), ROWS)
    assert (len(table.both(0, 2, "quality")), len(table.both(0, 1, "quality"))) == (5, 8)


def test_failures_belong_to_the_version_and_the_episode_they_befell(store: Store) -> None:
    """Each once, whether or not the version answered another request of the episode; no feedback is needed."""
    store.interactions.add(
        [asked("ok", 110.0, A, 0.25, "e1"), asked("f1", 111.0, OLD, 1.0, "e1"), asked("f2", 112.0, OLD, 1.0, "e2")]
    )
    for _ in range(2):
        note_error(store, ROWS[0], A, "int_f1", "out of memory")
    note_error(store, ROWS[0], B, "int_f2", "out of memory")
    note_error(store, ROWS[1], OLD, "int_gone", "out of memory")
    table = table_of(PLAN, list(PLAN.weights), units_of(store, PLAN, ROWS), ROWS)
    assert table.arm.tolist() == [1, 2, 0]
    assert table.columns["errors"].tolist() == [0.5, 0.0, 0.0]
    assert np.isnan(table.columns["quality"]).all()


def test_slow_and_long_is_more_than_the_champion_used_to_take(store: Store) -> None:
    """By what was fixed beforehand; where nothing was known, nothing is slow."""
    slow = replace(asked("1", 110.0, A, 0.25, "e1"), latency_ms=150.0, reply_tokens=80)
    for plan, value in ((PLAN, 0.0), (replace(PLAN, slow_ms=0.0, long_tokens=0.0), 1.0)):
        table = table_of(plan, list(plan.weights), found(store, slow, plan=plan), ROWS)
        assert (table.columns["latency"].tolist(), table.columns["cost"].tolist()) == ([value], [value])


@pytest.mark.parametrize(("by", "value"), [("right", 0.0), ("corrected", 0.0), ("rating", 0.7), ("judged", 0.2)])
def test_what_quality_is(store: Store, by: str, value: float) -> None:
    """Right by labels, in no need of correction, rated by people, or by a judge, which takes no person's place."""
    store.interactions.add([asked("1", 110.0, A, 0.25, "e1", WRONG), asked("2", 110.0, B, 0.25, "e2")])
    store.feedback.add([label("int_1", kind=FeedbackKind.CORRECTION)])
    store.feedback.add([replace(label("int_1", "0.7", kind=FeedbackKind.RATING), id="fbk_r")])
    judge = replace(label("int_1", "0.2", kind=FeedbackKind.RATING, at=900.0), id="fbk_j", source="judge:large")
    store.feedback.add([judge])
    units = units_of(store, replace(PLAN, by=by), ROWS)
    assert units[0].told == [value]
    assert units[1].told == [1.0] if by == "corrected" else math.isnan(units[1].told[0])


def test_what_is_usual_of_the_champion(store: Store) -> None:
    """From its own newest requests; without any, a half and nothing."""
    assert usual(store, OLD, "right", []) == (0.5, 0.0, 0.0)
    rows = [asked(f"{k}", 10.0 + k, OLD, 1.0, f"e{k}", RIGHT if k else WRONG) for k in range(4)]
    store.interactions.add(rows)
    store.feedback.add([label(row.id) for row in rows])
    assert usual(store, OLD, "right", [*rows, asked("x", 50.0, A, 1.0, "x")]) == (0.75, 10.0, 2.0)


def test_a_plan_is_kept(store: Store) -> None:
    """As it was; none of one that never was."""
    keep_plan(store, PLAN)
    assert plan_of(store, PLAN.trial) == PLAN
    assert plan_of(store, "spl_2") is None
