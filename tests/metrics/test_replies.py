"""Replies that are written out: numbers by how near they are, tags by F1, words by chrF."""

from __future__ import annotations

import pytest

from homeostat.metrics.replies import agreement, number, right, tags, written_number, written_tags
from homeostat.metrics.text import chrf_row
from homeostat.types.task import Kind


@pytest.mark.parametrize(
    ("reply", "target", "value"),
    [
        ("3", "3.0", 1.0),
        ("8", "10", 0.8),
        ("12.5", "10", 0.8),
        ("-3", "3", 0.0),
        ("0", "0", 1.0),
        ("0", "5", 0.0),
        ("-8", "-10", 0.8),
    ],
)
def test_numbers_by_their_distance(reply: str, target: str, value: float) -> None:
    """As a share of the larger one, whatever the unit; the same in both directions."""
    assert agreement(reply, target) == pytest.approx(value)
    assert agreement(target, reply) == pytest.approx(value)


@pytest.mark.parametrize(
    ("reply", "target", "value"),
    [
        ('["a", "b"]', '["b", "a"]', 1.0),
        ('["a"]', '["a", "b"]', 2 / 3),
        ('["a"]', '["b"]', 0.0),
        ("[]", "[]", 1.0),
        ("[]", '["a"]', 0.0),
    ],
)
def test_tags_by_f1(reply: str, target: str, value: float) -> None:
    """Of the row, in whatever order they are listed."""
    assert agreement(reply, target) == pytest.approx(value)


@pytest.mark.parametrize("other", ["we repair it", "3 days", '{"a": 1}', "true", "NaN", "1e999", '["a", 3]'])
def test_all_else_is_words(other: str) -> None:
    """Texts are compared by chrF, and so is a number or a list with a text."""
    assert number(other) is None
    assert tags(other) is None
    for reply in (other, "we repaired it", "3", '["a"]'):
        assert agreement(reply, other) == chrf_row(reply, other) / 100


def test_what_is_written_is_read_again() -> None:
    """Numbers to six digits, tags in the order of the alphabet."""
    assert number(written_number(-1234.5678)) == -1234.57
    assert written_number(3.0) == "3.0"
    assert written_tags(["urgent", "billing", "urgent"]) == '["billing", "urgent"]'
    assert tags(written_tags(["größer"])) == {"größer"}
    assert tags(written_tags([])) == frozenset()


@pytest.mark.parametrize(
    ("kind", "reply", "target", "expected"),
    [(Kind.LABEL, "a", "a", 1.0), (Kind.LABEL, "a", "b", 0.0), (Kind.TEXT, "good day", "good day", 1.0)],
)
def test_the_value_of_a_reply(kind: Kind, reply: str, target: str, expected: float) -> None:
    """Right or wrong for labels; chrF for text, 1 where the texts are equal."""
    assert right(kind, reply, target) == pytest.approx(expected)


def test_the_value_of_a_text_lies_between() -> None:
    """A text that is partly right is worth a part."""
    assert 0.0 < right(Kind.TEXT, "your parcel is late", "your parcel has arrived") < 1.0
