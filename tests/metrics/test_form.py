"""What can be told of a reply by its form alone."""

from __future__ import annotations

import pytest

from homeostat.metrics.form import is_json, json_of, refuses


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I’m sorry, but no.", True),
        ("As an AI, I have no parcels.", True),
        ("Unfortunately, I cannot see your order.", True),
        ("Your refund is on its way. " * 8 + "I can't say when.", False),
        ("You can't miss it, it is the red button.", False),
        ("refund_request", False),
    ],
)
def test_refusals_are_told_by_how_they_begin(reply: str, refused: bool) -> None:
    """Listed phrases near the beginning, and nowhere else."""
    assert refuses(reply) is refused


@pytest.mark.parametrize(
    ("reply", "valid"),
    [
        ('{"a": 1}', True),
        (" [1, 2] ", True),
        ('```json\n{"a": 1}\n```', True),
        ('{"a": 1', False),
        ("3", False),
        ("hello", False),
        ("[" * 100_000, False),
    ],
)
def test_json_is_what_parses(reply: str, valid: bool) -> None:
    """Objects and lists, fenced or not; a number alone is no format that anybody asked for."""
    assert is_json(reply) is valid


def test_json_is_given_as_it_was_meant() -> None:
    """What stands between the fences, whole; nothing for what is none."""
    assert json_of('```json\n{"a": [1, null]}\n```') == {"a": [1, None]}
    assert json_of(" [] ") == []
    assert json_of("{") is None
    assert json_of('"words"') is None
