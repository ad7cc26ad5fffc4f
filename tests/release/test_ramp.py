"""The share of a canary rises as evidence comes: few hear a candidate of which little is known, and no time is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.evidence import Evidence
from homeostat.release.guard import gather, planned
from homeostat.release.noted import note_error, note_race
from homeostat.release.ramp import next_share
from homeostat.release.registry import promote, rollback
from homeostat.release.rollout import LONGEST_S, advance, open_canary, open_shadow
from homeostat.release.route import route
from homeostat.release.states import held_until
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome
from release.rehearsal import TASK, Traffic, add_verdict, add_version, interaction, open_store

SETTINGS = Settings(shadow_pairs=0, canary_share=(0.02, 0.1, 0.5), canary_feedback=40)
OLD, NEW = "ver_old", "ver_new"
GOOD = {OLD: 0.8, NEW: 0.9}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion, and a candidate that the gate let pass."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        add_verdict(opened, add_version(opened, "new"), Outcome.PASS)
        yield opened


def canary(store: Store, settings: Settings = SETTINGS) -> Release:
    return open_canary(store, TASK, NEW, settings, "canary", now=2.0)


@pytest.mark.parametrize(("candidate", "rises"), [(0.85, True), (0.3, False)])
def test_what_looks_worse_waits_where_few_hear_it(candidate: float, rises: bool) -> None:
    """Pairs enough for the next share are not enough where the candidate looks worse by the margin."""
    seen = Evidence.of([(candidate, 0.8)] * 14, SETTINGS)
    assert not seen.harm_shown(SETTINGS)
    assert next_share(SETTINGS, 0.02, seen) == (0.1 if rises else None)


def test_the_share_rises_with_what_is_judged(store: Store) -> None:
    """Each of three shares wants its third; after the last one everything. Nothing that was judged is judged anew."""
    first = advance(store, TASK, SETTINGS, now=2.0)
    assert first.stage is Stage.FULL  # nothing is on trial
    open_shadow(store, TASK, NEW, now=2.0)
    release, traffic, seen = advance(store, TASK, SETTINGS, now=3.0), Traffic(store, accuracy=GOOD), []
    for n in (13, 1, 12, 1, 12, 1):
        traffic.send(release, n)
        row = advance(store, TASK, SETTINGS, now=10.0 + traffic.sent)
        if row.id != release.id:
            seen.append((traffic.sent, row.stage, row.share))
        release = row
    assert seen == [(14, Stage.CANARY, 0.1), (27, Stage.CANARY, 0.5), (40, Stage.FULL, 0.0)]
    rows = store.releases.list(TASK)
    assert [row.share for row in rows] == [0.0, 0.0, 0.02, 0.1, 0.5, 0.0]
    assert len({row.id for row in rows}) == 6
    assert [row.trial for row in rows] == ["", "", "", rows[2].id, rows[2].id, ""]
    assert rows[3].because.startswith("ver_new answers 10 % of the episodes: no harm shown in 14 pairs (14 judged: ")
    assert store.verify() == []


def test_whoever_heard_the_candidate_goes_on_hearing_it(store: Store) -> None:
    """A share that rises moves no episode away, and brings as many as it says."""
    release, heard = canary(store), list[set[str]]()
    for share in SETTINGS.ramp:
        row = replace(release, share=share)
        heard.append({f"episode {k}" for k in range(4000) if route(row, f"episode {k}")[0] == NEW})
    assert heard[0] < heard[1] < heard[2]
    assert [len(some) / 4000 for some in heard] == pytest.approx(SETTINGS.ramp, abs=0.02)


def test_one_share_is_held_from_the_first_to_the_last(store: Store) -> None:
    """As before there were several; and shares in any order are a ramp."""
    plain = replace(SETTINGS, canary_share=(0.3,))
    release = canary(store, plain)
    assert release.share == 0.3
    Traffic(store, accuracy=GOOD).send(release, 39)
    assert advance(store, TASK, plain, now=5.0) == release
    assert replace(SETTINGS, canary_share=(0.5, 0.1, 0.5)).ramp == (0.1, 0.5)
    assert replace(SETTINGS, canary_share=()).ramp == (0.0,)


def test_labels_that_come_at_once_raise_it_look_by_look(store: Store) -> None:
    """A share is not left out: between two of them lies a look, and the last comes before everything."""
    release = canary(store)
    Traffic(store, accuracy=GOOD).send(release, 60)
    rows = [advance(store, TASK, SETTINGS, now=10.0 + k) for k in range(3)]
    assert [(row.stage, row.share) for row in rows] == [(Stage.CANARY, 0.1), (Stage.CANARY, 0.5), (Stage.FULL, 0.0)]


def test_what_was_seen_under_a_lower_share_stays_evidence(store: Store) -> None:
    """Failures, races and the slices that were planned: the trial is one. A gateway that has not seen the new row yet
    writes to the same book.
    """
    tagged = [replace(interaction(f"int_e{k}", OLD, "refund"), tags={"a": "bc"[k % 2]}) for k in range(8)]
    store.interactions.add(tagged)
    first = canary(store)
    slices = planned(store, first)
    assert set(slices) == {"a=b", "a=c"}
    Traffic(store, accuracy=GOOD, labeled=0.2).send(first, 140)
    note_error(store, first, NEW, "int_f1", "out of memory")
    second = advance(store, TASK, SETTINGS, now=5.0)
    assert second.share == 0.1
    store.interactions.add([interaction(f"int_n{k}", OLD, "refund") for k in range(1000)])
    assert planned(store, second) == slices
    note_error(store, second, NEW, "int_f2", "out of memory")
    note_error(store, first, NEW, "int_f3", "out of memory")
    note_race(store, second, "int_r", {OLD: 10.0, NEW: 12.0})
    seen = gather(store, second, SETTINGS)
    assert (seen.errors, seen.pairs) == (3, 143)
    assert next(game.n for game in seen.games if game.name == "latency") == 1


def test_a_candidate_that_fails_goes_no_further(store: Store) -> None:
    """Failing more often than is borne, though nothing is shown yet: the share stays, and harm takes it back."""
    release = canary(store)
    traffic = Traffic(store, accuracy=GOOD)
    traffic.send(release, 20)
    note_error(store, release, NEW, "int_f1", "out of memory")
    assert gather(store, release, SETTINGS).failing
    assert advance(store, TASK, SETTINGS, now=5.0) == release
    traffic.send(release, 180)  # one of two hundred is borne
    second = advance(store, TASK, SETTINGS, now=6.0)
    assert second.share == 0.1
    for k in range(40):
        note_error(store, second, NEW, f"int_g{k}", "out of memory")
    back = advance(store, TASK, SETTINGS, now=44.0)
    assert (back.stage, back.trial) == (Stage.ROLLBACK, "")
    assert "withdrawn from the canary after 200 exposed requests and 42.0 s" in back.because


def test_quiet_hours_hold_a_rise(store: Store) -> None:
    """It is a step forward, and waits like any other."""
    release = canary(store)
    Traffic(store, accuracy=GOOD).send(release, 14)
    assert advance(store, TASK, SETTINGS, now=5.0, frozen=50.0) == release
    assert held_until(store, release, 5.0) == 50.0
    assert advance(store, TASK, SETTINGS, now=50.0).share == 0.1


def test_a_month_is_counted_from_the_first_share(store: Store) -> None:
    """A rise gives nobody a month more; and a rollback ends the trial under any share."""
    release = canary(store)
    traffic = Traffic(store, accuracy={OLD: 0.9, NEW: 0.9})
    traffic.send(release, 14)
    second = advance(store, TASK, SETTINGS, now=LONGEST_S)
    assert second.share == 0.1
    assert advance(store, TASK, SETTINGS, now=LONGEST_S + 1.0) == second
    assert advance(store, TASK, SETTINGS, now=LONGEST_S + 3.0).stage is Stage.ROLLBACK


def test_a_person_ends_it_under_any_share(store: Store) -> None:
    """The champion answers everything again, and nothing is left of the trial in the row."""
    release = canary(store)
    Traffic(store, accuracy=GOOD).send(release, 14)
    advance(store, TASK, SETTINGS, now=5.0)
    row = rollback(store, TASK, "enough", now=6.0)
    assert (row.stage, row.champion, row.share, row.trial) == (Stage.ROLLBACK, OLD, 0.0, "")


@pytest.mark.parametrize(
    ("feedback", "judged", "share", "further"),
    [(40, 13, 0.02, None), (40, 14, 0.02, 0.1), (40, 40, 0.1, 0.5), (40, 400, 0.5, None), (0, 0, 0.02, 0.1)],
)
def test_what_a_share_waits_for(store: Store, feedback: int, judged: int, share: float, further: float | None) -> None:
    """Its part of the labels that the canary waits for; of none, nothing."""
    settings, release = replace(SETTINGS, canary_feedback=feedback), canary(store)
    Traffic(store, accuracy={OLD: 1.0, NEW: 1.0}).send(release, judged)
    assert next_share(settings, share, gather(store, release, settings)) == further
