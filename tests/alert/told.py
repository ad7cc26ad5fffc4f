"""Alerts and deliveries for these tests."""

from __future__ import annotations

from typing import Any

from homeostat.alert.message import body
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery

NOW = 1_760_000_000.0


def alert(**more: Any) -> Alert:
    """A signal's alert, as its cause first says it."""
    values: dict[str, Any] = {
        "id": "alr_1",
        "task": "routing",
        "time": NOW,
        "last": NOW,
        "kind": "novelty",
        "severity": Severity.WARNING,
        "says": "routing: requests are unlike those before",
        "about": "sig_1",
        "key": "routing|novelty|",
    }
    return Alert(**(values | more))


def delivery(of: Alert | None = None, **more: Any) -> Delivery:
    """Its first delivery through the channel `ops`."""
    told = of or alert()
    values: dict[str, Any] = {"id": "dlv_1", "alert": told.id, "channel": "ops", "edition": "1", "time": NOW}
    return Delivery(**(values | {"body": body(told, "1", "shop")} | more))
