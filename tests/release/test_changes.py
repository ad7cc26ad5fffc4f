"""The change log of a deployment: every change of who answers, with what rows say of it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.release.changes import Change, changes, told
from homeostat.release.promoted import Way
from homeostat.release.registry import promote, rollback
from homeostat.store import Store
from homeostat.types.decision import Action, Decision
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Report, Score
from homeostat.types.turn import APPROVAL, SIGNED, Turn
from release.rehearsal import TASK, add_verdict, add_version, open_store

GAIN = Score(mean=0.031, low=0.012, high=0.05, n=400)
SHADOW = Release(
    id="rel_1", task=TASK, time=10.0, stage=Stage.SHADOW, champion="ver_old", candidate="ver_new", because="it passed"
)
CANARY = replace(SHADOW, id="rel_2", time=20.0, stage=Stage.CANARY, share=0.05, because="no harm shown")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A champion that a person made one, and a turn that left a candidate, which passed its gate."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "the first", now=1.0)
        add_version(opened, "new")
        opened.decisions.put(
            Decision(id="dec_1", task=TASK, time=5.0, action=Action.RETRAIN, because="errors rose since Monday")
        )
        add_verdict(opened, "ver_new", Outcome.PASS)
        opened.verdicts.put(replace(opened.verdicts.get("vdt_ver_new"), report="rep_1", because="it is better"))
        score = Score(mean=0.9, low=0.87, high=0.93, n=400)
        opened.reports.put(
            Report(
                id="rep_1",
                task=TASK,
                time=0.0,
                candidate="ver_new",
                champion="ver_old",
                metric="accuracy",
                candidate_score=score,
                champion_score=score,
                difference=GAIN,
            )
        )
        opened.releases.put(SHADOW)
        diary = {"decide": "dec_1", "train": "ver_new", "release": "rel_1", APPROVAL: "approved by ann: go"}
        opened.turns.put(Turn(id="trn_1", task=TASK, time=5.0, diary={**diary, SIGNED: "approved by bob"}))
        opened.releases.put(CANARY)
        yield opened


def of(store: Store, release: str) -> Change:
    return next(one for one in changes(store, TASK) if one.release == release)


def written(store: Store) -> str:
    found = changes(store, TASK)
    return "\n".join(told(TASK, found, {one.release: f"second {one.time:g}" for one in found}))


def test_every_change_is_there_in_its_order(store: Store) -> None:
    """One for each row, with who answers what from then on, and who wrote it."""
    found = changes(store, TASK)
    assert [one.stage for one in found] == ["full", "shadow", "canary"]
    assert [one.says for one in found] == [
        "ver_old answers everything",
        "ver_new is asked copies of requests; ver_old answers everything",
        "ver_new answers 5 % of the episodes, ver_old the rest",
    ]
    assert [one.because for one in found] == ["the first", "it passed", "no harm shown"]
    entries = {entry.about: entry.who for entry in store.audit.list()}
    assert all(one.who == entries[one.release] != "" for one in found)


def test_evidence_stands_where_a_version_comes_in(store: Store) -> None:
    """The decision, the gate with its gain and its champion, and both words of people: once, and not again later."""
    first, later = of(store, "rel_1"), of(store, "rel_2")
    assert first.made_because == "errors rose since Monday"
    assert first.measured is not None
    assert (first.measured.outcome, first.measured.because) == ("pass", "it is better")
    assert (first.measured.gain, first.measured.beside) == (GAIN, "ver_old")
    assert (first.approval, first.signed) == ("approved by ann: go", "approved by bob")
    assert (first.story, first.turn) == ("turn", "trn_1")
    assert (later.measured, later.made_because, later.approval, later.signed) == (None, "", "", "")


def test_a_promotion_says_what_it_rests_on_once(store: Store) -> None:
    """The first was a person's; the one that was tried and passed is no person's; a way back has no such line."""
    full = replace(CANARY, id="rel_3", time=30.0, stage=Stage.FULL, champion="ver_new", candidate="", share=0.0)
    store.releases.put(full)
    rollback(store, TASK, "users complained", to="ver_old", now=40.0)
    ways = [one.way for one in changes(store, TASK)]
    assert ways == [Way.BY_HAND, "", "", Way.EARLIER, ""]
    back = changes(store, TASK)[-1]
    assert (back.stage, back.because) == ("rollback", "users complained")
    assert back.says == "ver_new is taken back; ver_old answers everything"
    assert (back.turn, back.measured) == ("", None)


def test_a_verdict_of_later_is_no_reason_of_before(store: Store) -> None:
    """Only what the gate had said by then counts; without its report the gain is not told."""
    store.verdicts.put(replace(store.verdicts.get("vdt_ver_new"), time=15.0))
    assert of(store, "rel_1").measured is None
    store.verdicts.put(replace(store.verdicts.get("vdt_ver_new"), time=9.0, report="rep_gone"))
    measured = of(store, "rel_1").measured
    assert measured is not None
    assert (measured.gain, measured.metric) == (None, "")


def test_a_split_names_its_shares(store: Store) -> None:
    """Of every version beside the champion; its end names none."""
    rollback(store, TASK, "ended", now=50.0)
    shares = {"ver_new": 0.25, "ver_other": 0.5}
    add_version(store, "other")
    split = replace(SHADOW, id="rel_5", time=60.0, stage=Stage.SPLIT, candidate="", shares=shares, trial="trial_1")
    store.releases.put(split)
    store.releases.put(replace(split, id="rel_6", time=70.0, stage=Stage.ROLLBACK, shares={}))
    assert of(store, "rel_5").says == "episodes are split: ver_new 25 %, ver_other 50 %, ver_old the rest"
    assert of(store, "rel_6").says == "the split has ended; ver_old answers everything"


def test_the_text_holds_what_rows_hold(store: Store) -> None:
    """Every sentence of a row is in it, the gain with its interval and n; what is not known has no line."""
    text = written(store)
    assert text.startswith(f"# Who answered {TASK}\n")
    assert text.index("second 1: full") < text.index("second 10: shadow") < text.index("second 20: canary")
    assert "- gain: +3.1 points of accuracy (+1.2 to +5.0, n = 400) beside ver_old on the test rows" in text
    assert "- gate: pass, it is better (`vdt_ver_new`)" in text
    assert "- sign-off of the release: approved by bob" in text
    assert text.count("- made because:") == 1
    canary = text[text.index("second 20") :]
    assert "gate" not in canary
    assert "sign-off" not in canary


def test_nobody_was_released(tmp_path: Path) -> None:
    """A task without a release has a log that says so."""
    with open_store(tmp_path) as empty:
        assert changes(empty, TASK) == []
        assert "Nobody yet" in written(empty)
