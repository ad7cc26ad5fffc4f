"""What can be told of a reply by its form alone: whether it refuses, and whether it is JSON."""

from __future__ import annotations

import json
from typing import Any

REFUSALS = (
    "as a language model",
    "as an ai",
    "i am not able to",
    "i am unable to",
    "i can not",
    "i can't",
    "i cannot",
    "i do not have access",
    "i don't have access",
    "i must decline",
    "i will not",
    "i won't",
    "i'm not able to",
    "i'm sorry, but",
    "i'm unable to",
    "sorry, i can",
    "unfortunately, i can",
)
"""A reply that holds one of these near its beginning is counted as a refusal: English, and a sign rather than a
proof.
"""
NEAR = 120
"""Characters that count as the beginning."""


def refuses(reply: str) -> bool:
    """Whether a reply begins as refusals do."""
    beginning = reply[:NEAR].lower().replace("’", "'")
    return any(phrase in beginning for phrase in REFUSALS)


def is_json(reply: str) -> bool:
    """Whether a reply is a JSON object or list, alone or between Markdown's fences."""
    return json_of(reply) is not None


def json_of(reply: str) -> dict[str, Any] | list[Any] | None:
    """The JSON object or list that a reply is, alone or between Markdown's fences; None where it is none."""
    text = reply.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if not text.startswith(("{", "[")):
        return None
    try:
        found: dict[str, Any] | list[Any] = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found
