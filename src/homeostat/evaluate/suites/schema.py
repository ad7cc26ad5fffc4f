"""Whether a reply is JSON of the form that a schema demands (JSON Schema, draft 2020-12 where it names no other)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from homeostat import extras
from homeostat.errors import WrongType
from homeostat.metrics.form import json_of

WHY, EXTRA = "to hold JSON against a schema", "schema"


def valid(reply: str, schema: str) -> bool:
    """Whether a reply is JSON, alone or between Markdown's fences, and as the schema demands. Raises as `hold_schema`;
    so it does where the schema refers to another one, since nothing is fetched.
    """
    found = json_of(reply)
    if found is None:
        return False
    unresolved = extras.require("referencing.exceptions", WHY, extra=EXTRA).Unresolvable
    try:
        return bool(_validator(schema).is_valid(found))
    except unresolved as problem:
        raise WrongType(f"the schema refers to what it does not hold: {problem}", fix="put it in under $defs") from None


def hold_schema(schema: str, where: str) -> None:
    """Hold that a text is a JSON schema.

    Raises:
        WrongType: it is none.
        MissingExtra: the library that knows schemas is not installed.
    """
    try:
        _validator(schema)
    except WrongType as problem:
        raise WrongType(problem.what, where=where, fix='write one such as {"type": "object"}') from None


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    library = extras.require("jsonschema", WHY, extra=EXTRA)
    registry = extras.require("referencing", WHY, extra=EXTRA).Registry()  # an empty one: nothing is fetched
    try:
        read = json.loads(schema)
        kind = library.validators.validator_for(read, default=library.Draft202012Validator)
        kind.check_schema(read)
    except (ValueError, AttributeError, TypeError, library.SchemaError) as problem:
        said = getattr(problem, "message", str(problem))
        raise WrongType(f"no JSON schema: {said}") from None
    return kind(read, registry=registry)
