"""Whose word is whose: judges by their names, people before them, and nothing that a judge says since it changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.release.judges import JUDGED, believed, is_judge, rates, said_of, truth_of
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.signal import Moved, Signal
from release.rehearsal import TASK, add_version, interaction, open_store

LABEL, CORRECTION, RATING = FeedbackKind.LABEL, FeedbackKind.CORRECTION, FeedbackKind.RATING


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with two requests."""
    with open_store(tmp_path) as opened:
        add_version(opened, "old")
        opened.interactions.add(interaction(id, "ver_old", "refund") for id in ("int_1", "int_2"))
        yield opened


def said(kind: FeedbackKind, value: str, at: float, source: str = "ann", id: str = "int_1") -> Feedback:
    return Feedback(id=f"fbk_{at}", interaction=id, kind=kind, value=value, time=at, source=source)


def test_a_judge_is_known_by_its_name() -> None:
    """And its labels are no ratings."""
    assert is_judge("judge:large")
    assert not is_judge("judgement day")
    assert rates(said(RATING, "1", 1.0, "judge"))
    assert not rates(said(RATING, "1", 1.0))
    assert not rates(said(LABEL, "1", 1.0, "judge"))


def test_the_newest_of_each_kind_people_first(store: Store) -> None:
    """A judge's rating stands by itself; its label counts until a person gives one."""
    store.feedback.add([said(RATING, "1", 1.0), said(RATING, "0", 2.0, "judge"), said(RATING, "0.5", 3.0, "judge")])
    store.feedback.add([said(LABEL, "a", 4.0, "judge"), said(LABEL, "b", 5.0, "judge")])
    known = said_of(store, TASK, ["int_1", "int_2"])
    assert list(known) == ["int_1"]
    assert {name: one.value for name, one in known["int_1"].items()} == {"rating": "1", JUDGED: "0.5", "label": "b"}
    store.feedback.add([said(LABEL, "c", 6.0), said(LABEL, "d", 7.0, "judge")])
    assert said_of(store, TASK, ["int_1"])["int_1"]["label"].value == "c"


def test_what_is_right_is_what_people_say() -> None:
    """The newest label or correction of theirs; a judge's where there is none; ratings and comments say nothing."""
    theirs = [said(LABEL, "a", 1.0), said(CORRECTION, "b", 2.0)]
    found = truth_of([*theirs, said(LABEL, "c", 3.0, "judge"), said(RATING, "1", 4.0)])
    assert found == theirs[1]
    alone = said(LABEL, "c", 3.0, "judge")
    assert truth_of([alone, said(FeedbackKind.COMMENT, "d", 9.0)]) == alone
    assert truth_of([said(RATING, "1", 4.0)]) is None


def test_ratings_since_a_judge_has_changed_count_for_nothing(store: Store) -> None:
    """Its labels, and people's ratings, do."""
    store.signals.put(
        Signal(
            id="sig_1",
            task=TASK,
            time=5.0,
            moved=Moved.JUDGE,
            detector="judge_pairs",
            slice="judge=judge",
            statistic=1.0,
            threshold=1.0,
            n=1,
            since=2.5,
        )
    )
    every = [said(RATING, "1", 2.0, "judge"), said(RATING, "0", 3.0, "judge"), said(RATING, "0", 4.0)]
    assert [one.time for one in believed(store, TASK, every)] == [2.0, 4.0]
