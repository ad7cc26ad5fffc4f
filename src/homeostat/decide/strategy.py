"""Every strategy by name: what decides once a policy was triggered.

Installed packages add to it through the entry-point group `homeostat.strategies`: a function from a `Case` to an action
and the reason for it, in words.
"""

from __future__ import annotations

from collections.abc import Callable

from homeostat.decide.value import Case
from homeostat.plugin import Registry
from homeostat.types.decision import Action

STRATEGIES: Registry[Callable[[Case], tuple[Action, str]]] = Registry(
    "strategy",
    "homeostat.strategies",
    {
        "value": "homeostat.decide.policy:choose",
        "always": "homeostat.decide.policy:always",
        "cheapest": "homeostat.decide.policy:cheapest",
    },
)
