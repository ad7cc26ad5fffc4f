"""Rows of a stream as lessons, exams and log entries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.scenes import START, stream
from homeostat.cli.labeled import entries, exams, lessons
from homeostat.collect.stream import Split, read_stream
from homeostat.errors import BadStream
from homeostat.types.feedback import FeedbackKind
from homeostat.types.task import Kind, Task

ROUTING, REPLIES = Task(name="routing"), Task(name="replies", kind=Kind.TEXT)


def test_no_row_is_both_learned_and_tested(tmp_path: Path) -> None:
    """Lessons and exams share no row; together with what is left out they are the stream."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40))
    history, live, tested = (
        lessons(rows, ROUTING, Split.HISTORY),
        lessons(rows, ROUTING, Split.LIVE),
        exams(rows, ROUTING),
    )
    assert [len(history), len(live), len(tested)] == [8, 24, 8]
    assert not {row.text for row in tested} & {row.text for row in (*history, *live)}
    assert {example.target for example in history} == {"refund", "delivery"}
    assert history[0].time == START


def test_a_text_task_learns_replies(tmp_path: Path) -> None:
    """Where the task replies with text, the target is the row's reply, in lessons, exams and feedback."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40, reply="We are sorry."))
    assert {example.target for example in lessons(rows, REPLIES, Split.HISTORY)} == {"We are sorry."}
    assert exams(rows, REPLIES)[0].target == "We are sorry."
    assert {said.kind for _, said in entries(rows, REPLIES)} == {FeedbackKind.CORRECTION}


def test_a_text_task_needs_replies(tmp_path: Path) -> None:
    """A row without a reply is an error that says where."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40))
    with pytest.raises(BadStream, match="no `reply`") as caught:
        lessons(rows, REPLIES, Split.HISTORY)
    assert caught.value.where == "row 1 by time"


def test_a_log_entry_claims_no_reply_and_no_version(tmp_path: Path) -> None:
    """What some other system replied is not known, and is not made up."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40, tags={"segment": "business"}))
    made = list(entries(rows, ROUTING))
    assert len(made) == 32
    request, said = made[0]
    assert (request.reply, request.version) == ("", "")
    assert request.tags == {"segment": "business"}
    assert (said.interaction, said.value, said.time) == (request.id, rows[0].label, rows[0].time)


def test_the_same_row_is_the_same_entry(tmp_path: Path) -> None:
    """Ids follow from what a row says; a corrected label is a second statement about the same request."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40))
    (request, said), (again, corrected) = (
        next(entries([row], ROUTING)) for row in (rows[0], replace(rows[0], label="other"))
    )
    assert request.id == again.id
    assert said.id != corrected.id
    assert next(entries(rows, ROUTING)) == (request, said)


def test_tags_go_with_lessons_and_exams(tmp_path: Path) -> None:
    """What a row carries is there for whoever compares groups, or weighs by them."""
    rows, _ = read_stream(stream(tmp_path / "s.jsonl", 40, tags={"segment": "business"}))
    assert all(row.tags == {"segment": "business"} for row in lessons(rows, ROUTING, Split.HISTORY))
    assert all(row.tags == {"segment": "business"} for row in exams(rows, ROUTING))
