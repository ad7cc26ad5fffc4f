"""Feedback bodies: what becomes a row, and what is refused with which words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.collect.feedback import Rules, read_feedback
from homeostat.errors import BadRequest, NotFound
from homeostat.types.feedback import FeedbackKind

RULES = Rules(task_of=lambda id: "routing" if id.startswith("int_") else "", now=lambda: 100.0)
TRUSTING = replace(RULES, trust_time=True)


def said(**more: object) -> dict[str, object]:
    return {"interaction": "int_1", "kind": "label", "value": "refund", **more}


def test_one_statement_and_a_list_become_rows_in_order() -> None:
    """Ids are fresh, times are now, the source is kept, labels lose blanks around them and corrections do not."""
    (one,) = read_feedback(said(source="agent", value=" refund "), RULES)
    assert (one.interaction, one.kind, one.value, one.time, one.source) == (
        "int_1",
        FeedbackKind.LABEL,
        "refund",
        100.0,
        "agent",
    )
    many = read_feedback([said(), said(kind="correction", value="We are sorry. "), said(kind="comment")], RULES)
    assert [f.kind.value for f in many] == ["label", "correction", "comment"]
    assert many[1].value == "We are sorry. "
    assert len({f.id for f in many}) == 3


@pytest.mark.parametrize(("value", "stored"), [(0, "0.0"), (1, "1.0"), (0.25, "0.25"), ("0.5", "0.5"), (True, "1.0")])
def test_ratings_are_numbers_from_zero_to_one_as_text(value: object, stored: str) -> None:
    """Numbers, numbers as text, and a thumb up are ratings."""
    assert read_feedback(said(kind="rating", value=value), RULES)[0].value == stored


@pytest.mark.parametrize("value", [-0.1, 1.1, "good", "nan", None, [], 10**400, float("inf")])
def test_what_is_no_rating_is_refused(value: object) -> None:
    """Beyond 0 to 1, or no number at all."""
    with pytest.raises(BadRequest, match="a rating is a number from 0"):
        read_feedback(said(kind="rating", value=value), RULES)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "list of feedback is empty"),
        ("refund", "feedback is an object, not str"),
        ([said(), 3], r"not int  \(\[1\]\)"),
        (said(kind="labl"), "did you mean 'label'"),
        (said(kind=None), "unknown kind None"),
        (said(valeu="x"), "did you mean 'value'"),
        (said(value=""), "'value' is ''"),
        (said(value="  "), "'value' is '  '"),
        (said(value=3), "'value' is 3"),
        (said(value="\ud800"), "surrogate"),
        (said(interaction=None), "'interaction' is None"),
        (said(source=["me"]), "'source'"),
    ],
)
def test_what_does_not_fit_is_named(body: object, words: str) -> None:
    """One error says what is wrong, where in the body, and what is known."""
    with pytest.raises(BadRequest, match=words):
        read_feedback(body, RULES)


def test_an_interaction_that_does_not_exist_is_not_found() -> None:
    """Its place in the list is said, and no row of the list is handed back."""
    with pytest.raises(NotFound, match=r"no interaction 'chatcmpl-1'.*\[1\]\.interaction"):
        read_feedback([said(), said(interaction="chatcmpl-1")], RULES)


def test_a_statement_carries_its_own_time_only_where_that_is_trusted() -> None:
    """Untrusted times are passed over; trusted ones may be ISO or seconds, and must be times."""
    assert read_feedback(said(time=5), RULES)[0].time == 100.0
    assert read_feedback(said(time=5), TRUSTING)[0].time == 5.0
    assert read_feedback(said(time="1970-01-01T00:01:00Z"), TRUSTING)[0].time == 60.0
    assert read_feedback(said(time=None), TRUSTING)[0].time == 100.0
    with pytest.raises(BadRequest, match="'time' is 'later'"):
        read_feedback(said(time="later"), TRUSTING)


def test_a_label_that_is_nearly_a_known_one_is_taken_with_a_warning() -> None:
    """New labels are how a task grows; only what looks like a slip of a finger is warned of, and only of labels."""
    known = {"routing": frozenset({"billing", "delivery"})}
    warnings: list[str] = []
    rules = replace(RULES, labels=lambda task: known.get(task, frozenset()), warn=warnings.append)
    values = ("biling", "Delivery", "delivery", "hologram")
    rows = read_feedback([said(value=value) for value in values], rules)
    assert tuple(row.value for row in rows) == values
    assert warnings == [
        "label 'biling' is new; did you mean 'billing'?",
        "label 'Delivery' is new; did you mean 'delivery'?",
    ]
    read_feedback([said(kind="comment", value="biling"), said(kind="correction", value="biling")], rules)
    read_feedback(said(value="biling"), replace(rules, task_of=lambda id: "replies"))
    assert len(warnings) == 2
