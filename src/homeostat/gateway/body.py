"""Reads JSON bodies."""

from __future__ import annotations

import json

from homeostat.errors import BadRequest


def json_value(body: bytes) -> object:
    """The value that a JSON body holds.

    Raises:
        BadRequest: it is not JSON in UTF-8.
    """
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as broken:
        raise BadRequest(f"the body is not JSON: {broken}", where="body") from broken
    return value


def json_object(body: bytes) -> dict[str, object]:
    """The object that a JSON body holds.

    Raises:
        BadRequest: it is not a JSON object in UTF-8.
    """
    value = json_value(body)
    if not isinstance(value, dict):
        raise BadRequest(f"the body is a JSON {type(value).__name__}, not an object", where="body")
    return value
