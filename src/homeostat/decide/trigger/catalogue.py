"""Every trigger by name. Nothing is imported before it is asked for.

Installed packages add to it through the entry-point group `homeostat.triggers`: a function from the value that the
configuration gives to a `Trigger`, which raises ValueError with the rest of the sentence `policies.NAME.any.TRIGGER …`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homeostat.decide.trigger.sight import Trigger
from homeostat.errors import WrongType
from homeostat.plugin import Registry

_HERE = "homeostat.decide.trigger"
TRIGGERS: Registry[Callable[[Any], Trigger]] = Registry(
    "trigger",
    "homeostat.triggers",
    {
        "drift": f"{_HERE}.moved:drift",
        "drop": f"{_HERE}.fallen:drop",
        "enough": f"{_HERE}.counts:enough",
        "estimated_drop": f"{_HERE}.fallen:estimated_drop",
        "labels": f"{_HERE}.counts:labels",
        "manual": f"{_HERE}.counts:manual",
        "objective": f"{_HERE}.fallen:objective",
        "rating_drop": f"{_HERE}.fallen:rating_drop",
        "requests": f"{_HERE}.counts:requests",
        "schedule": f"{_HERE}.schedule:schedule",
    },
)


def made(name: str, value: Any, where: str) -> Trigger:
    """The trigger of this name with this value, which stands at `where` in the configuration.

    Raises:
        UnknownPlugin: there is no such trigger.
        WrongType: the value is none that it takes.
    """
    make = TRIGGERS.get(name)
    try:
        return make(value)
    except ValueError as problem:
        fix = "docs/how-to/write-a-policy.md has all triggers and what they take"
        raise WrongType(f"{name} {problem}", where=where, fix=fix) from None
