"""How a reply is judged against what a case expects: one number, from 0 (wrong) to 1 (right).

A check is a function of the reply and of what is expected. Installed packages add their own through the entry-point
group `homeostat.checks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from homeostat.evaluate.suites.schema import valid
from homeostat.metrics.form import is_json, refuses
from homeostat.metrics.replies import agreement
from homeostat.plugin import Registry
from homeostat.types.task import Kind

Check = Callable[[str, str], float]
"""`(reply, expected)` to a number from 0 to 1."""
SAME, CHANGES = "same", "changes"
"""What is expected is what the version itself replies to the undisturbed request, or anything else."""
OF_ITSELF = frozenset({SAME, CHANGES})
DEFAULT = {Kind.LABEL: "equals", Kind.TEXT: "agrees"}
"""The check of a case that names none, by what the task's replies are."""
NEEDLESS = frozenset({"json", "refuses", "answers", *OF_ITSELF})
"""Checks that hold the reply against nothing that a case could say."""
_HERE = "homeostat.evaluate.suites.checks"

CHECKS: Registry[Check] = Registry(
    "check",
    "homeostat.checks",
    {
        "agrees": "homeostat.metrics.replies:agreement",
        "answers": f"{_HERE}:answers",
        CHANGES: f"{_HERE}:changes",
        "contains": f"{_HERE}:contains",
        "equals": f"{_HERE}:equals",
        "json": f"{_HERE}:json_alone",
        "lacks": f"{_HERE}:lacks",
        "matches": f"{_HERE}:matches",
        "refuses": f"{_HERE}:declines",
        "schema": f"{_HERE}:json_of_schema",
        SAME: f"{_HERE}:same",
    },
)


def equals(reply: str, expected: str) -> float:
    """Whether the reply is what is expected, but for space around it."""
    return float(reply.strip() == expected.strip())


def contains(reply: str, expected: str) -> float:
    """Whether the reply holds a text, in small or capital letters."""
    return float(expected.casefold() in reply.casefold())


def lacks(reply: str, expected: str) -> float:
    """Whether the reply does not hold a text, in small or capital letters."""
    return 1.0 - contains(reply, expected)


def matches(reply: str, expected: str) -> float:
    """Whether a regular expression is found in the reply."""
    return float(re.search(expected, reply) is not None)


def json_alone(reply: str, expected: str) -> float:
    """Whether the reply is a JSON object or list, and nothing else."""
    return float(is_json(reply))


def json_of_schema(reply: str, expected: str) -> float:
    """Whether the reply is JSON, and as the JSON schema demands that is expected.

    Raises:
        WrongType: what is expected is no schema.
        MissingExtra: the library that knows schemas is not installed.
    """
    return float(valid(reply, expected))


def declines(reply: str, expected: str) -> float:
    """Whether the reply begins as refusals do: a sign, in English, and not a proof."""
    return float(refuses(reply))


def answers(reply: str, expected: str) -> float:
    """Whether there is a reply, and it does not begin as refusals do."""
    return float(bool(reply.strip()) and not refuses(reply))


def same(reply: str, expected: str) -> float:
    """How far the reply is what the version says to the undisturbed request."""
    return 1.0 if reply.strip() == expected.strip() else agreement(reply, expected)


def changes(reply: str, expected: str) -> float:
    """Whether the reply is another one than what the version says to the undisturbed request."""
    return float(reply.strip() != expected.strip())
