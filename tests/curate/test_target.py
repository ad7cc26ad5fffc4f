"""What is learned from which feedback."""

from __future__ import annotations

import pytest

from homeostat.curate.target import good, target
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task

LABEL, CORRECTION, RATING, COMMENT = FeedbackKind
ROUTING = Task(name="routing")
REPLIES = Task(name="replies", kind=Kind.TEXT)


def pair(kind: FeedbackKind, value: str, id: str = "int_1") -> tuple[Interaction, Feedback]:
    request = Interaction(id=id, task="t", time=3.0, text="where is it", reply="On its way.", version="ver_1")
    return request, Feedback(id="fbk_1", interaction=request.id, kind=kind, value=value, time=9.0)


def targets(task: Task, *pairs: tuple[Interaction, Feedback]) -> list[str]:
    return [example.target for example in target(pairs, task, known=["refund"])]


def test_label() -> None:
    """A label is learned as it is, new ones too; the row names its interaction and carries the request's time."""
    (row,) = target([pair(LABEL, " pairing ")], ROUTING, known=[])
    assert (row.text, row.target, row.interaction, row.time, row.task) == ("where is it", "pairing", "int_1", 3.0, "t")


def test_correction_of_a_label() -> None:
    """On a label task a correction counts where it is a known label; other words are no label."""
    assert targets(ROUTING, pair(CORRECTION, "refund"), pair(CORRECTION, "no, that is wrong")) == ["refund"]
    assert targets(ROUTING, pair(LABEL, "pairing"), pair(CORRECTION, "pairing", "int_2")) == ["pairing", "pairing"]


def test_correction_of_a_reply() -> None:
    """On a text task the correction is the reply to learn; labels are not replies."""
    assert targets(REPLIES, pair(CORRECTION, "It ships on Monday."), pair(LABEL, "refund")) == ["It ships on Monday."]


def test_what_was_corrected_is_the_reply_liked_less() -> None:
    """A correction makes a pair of replies; one that says the same again, a good rating, and a label make none."""

    def rejected(task: Task, kind: FeedbackKind, value: str) -> list[str]:
        return [row.rejected for row in target([pair(kind, value)], task, known=["refund"])]

    assert rejected(REPLIES, CORRECTION, "It ships on Monday.") == ["On its way."]
    assert rejected(REPLIES, CORRECTION, " On its way. ") == rejected(REPLIES, RATING, "1.0") == [""]
    assert rejected(ROUTING, CORRECTION, "refund") == [""]


@pytest.mark.parametrize("value", ["0.8", "1", " 0.95 "])
def test_good_reply(value: str) -> None:
    """A reply rated 0.8 or better is its own target, and the row says how it was rated."""
    (row,) = target([pair(RATING, value)], REPLIES, known=[])
    assert (row.target, row.value) == ("On its way.", float(value))


@pytest.mark.parametrize("value", ["0.79", "0", "nan", "inf", "5", "good", ""])
def test_other_reply(value: str) -> None:
    """Lower ratings, and values that are no rating between 0 and 1, teach nothing."""
    assert targets(REPLIES, pair(RATING, value)) == []


def test_who_learns_from_ratings_is_shown_all_of_them() -> None:
    """Bad replies too, each with its rating; what is no rating says nothing, and a correction still beats a rating."""

    def valued(*pairs: tuple[Interaction, Feedback]) -> list[tuple[str, float | None]]:
        return [(row.target, row.value) for row in target(pairs, REPLIES, known=[], rated=True)]

    assert valued(pair(RATING, "0"), pair(RATING, "0.79"), pair(RATING, " 1 ")) == [
        ("On its way.", 0.0),
        ("On its way.", 0.79),
        ("On its way.", 1.0),
    ]
    assert valued(*(pair(RATING, value) for value in ("nan", "-0.1", "1.1", "bad", ""))) == []
    assert valued(pair(CORRECTION, "It ships on Monday.")) == [("It ships on Monday.", None)]
    assert target([pair(RATING, "0")], ROUTING, known=["On its way."], rated=True) == []


def test_only_good_rows_are_given_for_replies() -> None:
    """What nobody rated is right, and so is what was rated 0.8 or better."""
    rows = [Example(text="where is it", target="Soon.", value=value) for value in (None, 0.0, 0.79, 0.8, 1.0)]
    assert [row.value for row in good(rows)] == [None, 0.8, 1.0]


def test_rating_of_a_label() -> None:
    """On a label task ratings teach nothing, and comments never do."""
    assert targets(ROUTING, pair(RATING, "1.0"), pair(COMMENT, "thanks")) == []
