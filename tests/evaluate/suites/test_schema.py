"""JSON against a schema."""

from __future__ import annotations

import json

import pytest

from homeostat.errors import WrongType
from homeostat.evaluate.suites.checks import json_of_schema
from homeostat.evaluate.suites.schema import hold_schema, valid

ORDER = json.dumps(
    {
        "type": "object",
        "properties": {"order": {"type": "integer", "minimum": 1}, "why": {"enum": ["late", "broken"]}},
        "required": ["order"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ('{"order": 7, "why": "late"}', True),
        ('```json\n{"order": 7}\n```', True),
        ('{"order": 0}', False),
        ('{"order": "7"}', False),
        ('{"why": "late"}', False),
        ('{"order": 7, "more": 1}', False),
        ("[7]", False),
        ('I think: {"order": 7}', False),
        ("order 7", False),
    ],
)
def test_replies(reply: str, right: bool) -> None:
    """Types, bounds, what is needed and what else is allowed count; words around it do not."""
    assert valid(reply, ORDER) is right
    assert json_of_schema(reply, ORDER) == float(right)


@pytest.mark.parametrize("schema", ["{", '{"type": "objekt"}', "7", '{"minimum": "low"}', '["type"]'])
def test_what_is_no_schema(schema: str) -> None:
    """Is refused before anything is asked, with where it stands."""
    with pytest.raises(WrongType) as found:
        hold_schema(schema, "suites/golden.yaml: case 3")
    assert found.value.where == "suites/golden.yaml: case 3"


def test_nothing_is_fetched() -> None:
    """A schema that refers to another one somewhere is refused; one that holds what it refers to is not."""
    with pytest.raises(WrongType, match="does not hold"):
        valid("[1]", '{"$ref": "https://schemas.example/order.json"}')
    assert valid('{"a": 1}', '{"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}')


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ('{"type": "array", "items": {"type": "string"}, "minItems": 1}', '["a"]', "[]"),
        ('{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}', '{"b": 1}', '{"c": 1}'),
        ('{"properties": {"when": {"pattern": "^\\\\d{4}$"}}}', '{"when": "1843"}', '{"when": "soon"}'),
        ('{"$schema": "http://json-schema.org/draft-07/schema#", "required": ["a"]}', '{"a": 1}', "{}"),
    ],
)
def test_what_a_schema_can_say(schema: str, right: str, wrong: str) -> None:
    """Lists, alternatives, patterns; and an older draft where the schema names it."""
    hold_schema(schema, "here")
    assert valid(right, schema)
    assert not valid(wrong, schema)
