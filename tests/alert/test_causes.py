"""From what was written down to what a person is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from homeostat.alert import causes
from homeostat.types.alert import FAILED, KINDS, Alert, Remedy, Severity
from homeostat.types.decision import Action, Decision
from homeostat.types.release import Release, Stage
from homeostat.types.report import Score
from homeostat.types.signal import PROPORTIONS, Moved, Signal
from homeostat.types.turn import Turn

NOW = 1_760_000_000.0
SIGNAL = Signal(
    id="sig_1",
    task="routing",
    time=1.0,
    moved=Moved.NOVELTY,
    detector="shiryaev_roberts",
    statistic=812_345.0,
    threshold=500_000.0,
    n=1_234,
    since=86_400.0,
    slice="segment=business",
)
BACK = Release(
    id="rel_2",
    task="routing",
    time=2.0,
    stage=Stage.ROLLBACK,
    champion="ver_1",
    candidate="ver_2",
    because="harm",
)


@pytest.mark.parametrize("moved", Moved)
def test_every_kind_of_signal_is_a_kind_of_alert(moved: Moved) -> None:
    """A new kind of signal is told without anybody having to think of it here."""
    made = causes.of_signal(replace(SIGNAL, moved=moved), NOW)
    assert made.kind in KINDS
    assert (made.kind, made.about, made.severity) == (moved.value, "sig_1", Severity.WARNING)


def test_other_shares_are_good_to_know_and_no_warning() -> None:
    """The same kind of signal by the detector of proportions: for information, with the shares in its sentence."""
    said = "shares of the requests: parcel, late from 5.0% to 15.0%"
    made = causes.of_signal(replace(SIGNAL, moved=Moved.MIX, detector=PROPORTIONS, slice="kind=parcel"), NOW, said)
    other = causes.of_signal(replace(SIGNAL, moved=Moved.MIX), NOW)
    assert (made.severity, other.severity) == (Severity.INFO, Severity.WARNING)
    assert (made.kind, made.remedy, made.key) == ("mix", Remedy.LOOK, "routing|mix|kind=parcel")
    assert made.says.endswith(f"; {said}")
    assert "in other proportions" in made.says


def test_a_plugin_has_no_threshold_and_may_break() -> None:
    """Its alarm names it and no figure that it has not; where it broke, an alert of its own says why."""
    made = causes.of_signal(replace(SIGNAL, detector="streak", statistic=0.0, threshold=0.0), NOW)
    assert "(streak, a plugin, after 1,234 requests" in made.says
    assert "over" not in made.says
    broken = causes.of_plugin("routing", "streak", "ZeroDivisionError: division by zero", NOW)
    assert (broken.kind, broken.severity, broken.slice) == (FAILED, Severity.WARNING, "streak")
    parts = ("streak", "switched off", "the others watch on", "division by zero")
    assert [part for part in parts if part not in broken.says] == []


def test_doubted_feedback_is_counted_in_statements() -> None:
    """It names whose it is, what was done about it, and what may be."""
    made = causes.of_signal(replace(SIGNAL, moved=Moved.FEEDBACK, slice="source=alice"), NOW)
    parts = ("in source=alice", "held back from training", "1,234 statements")
    assert [part for part in parts if part not in made.says] == []
    assert made.remedy is Remedy.REVIEW


def test_a_signal_says_what_moved_where_and_since_when() -> None:
    """In a sentence, with the figures; its group is the task, the kind and the slice."""
    made = causes.of_signal(SIGNAL, NOW)
    parts = ("routing in segment=business", "unlike", "8.123e+05", "5e+05", "1,234 requests", "1970-01-02 00:00 UTC")
    assert [part for part in parts if part not in made.says] == []
    assert (made.slice, made.key) == ("segment=business", "routing|novelty|segment=business")
    assert (made.time, made.last, made.remedy) == (NOW, NOW, Remedy.LABEL)


def test_a_moment_that_no_calendar_has_is_said_somehow() -> None:
    """A replayed stream may carry any number as its time."""
    assert "1e+20" in causes.of_signal(replace(SIGNAL, since=1e20), NOW).says


def test_a_champion_taken_back_is_worse_than_a_candidate() -> None:
    """Everybody heard the one, some or nobody the other."""
    before = Release(id="rel_1", task="routing", time=1.0, stage=Stage.CANARY, champion="ver_1", candidate="ver_2")
    trial = causes.of_release(BACK, before, NOW)
    assert (trial.severity, trial.about) == (Severity.WARNING, "rel_2")
    assert "the candidate on trial, ver_2, was taken back and ver_1 answers (harm)" in trial.says
    split = replace(before, stage=Stage.SPLIT, candidate="", shares={"ver_2": 0.3, "ver_3": 0.3}, trial="spl_1")
    left = causes.of_release(replace(split, id="rel_2", shares={"ver_3": 0.4}, because="harm"), split, NOW)
    assert (left.severity, left.says) == (Severity.WARNING, "routing: ver_2 left the split (harm)")
    everybody = causes.of_release(BACK, replace(before, stage=Stage.FULL, champion="ver_2", candidate=""), NOW)
    assert everybody.severity is Severity.CRITICAL
    assert "answered everybody, ver_2, was taken back" in everybody.says
    assert causes.of_release(BACK, None, NOW).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("state", "kind", "severity"),
    [("failed", "failed", Severity.WARNING), ("gate", "refused", Severity.INFO)],
)
def test_turns_that_came_to_nothing_are_told(state: str, kind: str, severity: Severity) -> None:
    """With the turn's own reason, on one line."""
    made = causes.of_turn(Turn(id="trn_1", task="routing", time=1.0, state=state, because="it\nforgot"), NOW)
    assert made is not None
    assert (made.kind, made.severity, made.about) == (kind, severity, "trn_1")
    assert "(it forgot)" in made.says


@pytest.mark.parametrize("state", ["open", "decide", "release"])
def test_turns_that_end_as_turns_should_are_not(state: str) -> None:
    """A turn that waits, decides to wait, or releases is no news."""
    assert causes.of_turn(Turn(id="trn_1", task="routing", time=1.0, state=state), NOW) is None


def test_a_missed_objective_has_its_interval() -> None:
    """The score is never without its interval and its n."""
    score = Score(mean=0.81, low=0.74, high=0.87, n=200)
    made = causes.of_score("routing", score, 0.92, "ver_1", remedy=Remedy.ROLLBACK, now=NOW)
    assert "0.810 (0.740 to 0.870) of the newest 200 labeled replies of ver_1, where at least 0.92" in made.says
    assert (made.kind, made.severity, made.remedy) == ("objective", Severity.CRITICAL, Remedy.ROLLBACK)


def test_a_disk_is_told_of_before_it_is_full() -> None:
    """Warning first, critical when nothing can be trained any more, nothing while there is room."""
    found: list[Alert | None] = [causes.of_disk(free, NOW) for free in (2_000.0, 1_999.0, 199.0)]
    assert [one and one.severity for one in found] == [None, Severity.WARNING, Severity.CRITICAL]
    assert found[1] is not None
    assert "1,999 MB" in found[1].says


@pytest.mark.parametrize(
    ("left", "kind", "severity", "says"),
    [
        ({"labels": 140}, "labels", Severity.WARNING, "140 labels are asked for; `homeostat label routing --n 140`"),
        ({"way": "retrain"}, "advice", Severity.WARNING, "retraining is advised, and its policy leaves that to you"),
        ({"way": "prompt", "base": "hub/x"}, "advice", Severity.WARNING, "`prompt` is advised"),
        ({"base": "hub/x"}, "advice", Severity.INFO, "another base is proposed, `model.base: hub/x`"),
    ],
)
def test_what_a_decision_leaves_to_people_is_told(
    left: dict[str, Any], kind: str, severity: Severity, says: str
) -> None:
    """With what to type, and the decision's own sentence; a base that would be better is good to know."""
    decision = Decision(id="dec_1", task="routing", time=1.0, action=Action.LABEL, because="label: too few")
    made = causes.of_decision(decision, NOW, **left)
    assert made is not None
    assert made.kind in KINDS
    assert (made.kind, made.severity, made.about, made.task) == (kind, severity, "dec_1", "routing")
    assert says in made.says
    assert made.says.endswith("(label: too few)")
    assert causes.of_decision(decision, NOW) is None


def test_a_base_that_was_exchanged_is_critical() -> None:
    """Whoever starts a gateway finds that it does not answer."""
    made = causes.of_base("routing", "ver_1 was proven over /b as it was then", "ver_1", NOW)
    assert (made.kind, made.severity, made.task, made.about) == ("base", Severity.CRITICAL, "routing", "ver_1")
    assert made.says.startswith("routing: ver_1 was proven over /b as it was then; a gateway that is started now")


def test_a_backend_that_is_away_says_since_when() -> None:
    """Of the whole project, with what its server said and what to type."""
    made = causes.of_embedding("400 of http://e/v1: no such model", 86_400.0, NOW)
    assert (made.kind, made.severity, made.task) == ("embedding", Severity.WARNING, "")
    parts = ("since 1970-01-02 00:00 UTC", "400 of http://e/v1: no such model", "`homeostat doctor`")
    assert [part for part in parts if part not in made.says] == []


def test_a_worker_that_ended_says_why() -> None:
    """It is about the whole project."""
    made = causes.of_worker("E401 no version 'ver_gone'", NOW)
    assert (made.task, made.kind, made.severity) == ("", "worker", Severity.CRITICAL)
    assert "E401 no version 'ver_gone'" in made.says


def test_a_turn_whose_trainings_ran_away() -> None:
    """People are told, with each recipe's reason."""
    turn = Turn(id="trn_1", task="routing", time=1.0, state="train", because="naive: the loss is not a number")
    told = causes.of_turn(turn, 2.0)
    assert told is not None
    assert told.severity is Severity.WARNING
    assert "ran away (naive: the loss is not a number)" in told.says
