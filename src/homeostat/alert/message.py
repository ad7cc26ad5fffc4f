"""What is told of an alert: one plain document that every channel puts into its own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.alert.rules import reaches
from homeostat.config.schema import Channel
from homeostat.types import ids
from homeostat.types.alert import Alert, Remedy
from homeostat.types.delivery import Delivery

RESOLVED, TEST = "resolved", "test"
"""Editions beside `1`, `2`, …: an alert that is over, and one that never was."""


def body(alert: Alert, edition: str, project: str) -> dict[str, Any]:
    """The document: `event` (`fired`, `again`, `resolved`, `test`), the alert, and what to type to go on from there."""
    event = {"1": "fired", RESOLVED: RESOLVED, TEST: TEST}.get(edition, "again")
    return {
        "event": event,
        "project": project,
        "alert": {
            "id": alert.id,
            "task": alert.task,
            "kind": alert.kind,
            "slice": alert.slice,
            "severity": alert.severity.value,
            "says": alert.says,
            "about": alert.about,
            "remedy": alert.remedy.value,
            "count": alert.count,
            "time": alert.time,
            "last": alert.last,
            "resolved": alert.resolved,
            "because": alert.because,
        },
        "next": steps(alert) if event != RESOLVED else [],
    }


def deliveries(
    alert: Alert, edition: str, channels: Mapping[str, Channel], *, project: str, now: float
) -> Sequence[Delivery]:
    """One delivery for each channel that wants alerts of this severity; the same alert and edition, the same ids."""
    told = body(alert, edition, project)
    return [
        Delivery(
            id=ids.derived("dlv", alert.id, name, edition),
            alert=alert.id,
            channel=name,
            edition=edition,
            time=now,
            due=now,
            body=told,
        )
        for name, channel in channels.items()
        if reaches(alert, channel.least)
    ]


def steps(alert: Alert) -> list[str]:
    """What to type next: what the remedy is done with, and where the alert came from."""
    done_with = {
        Remedy.LABEL: f"homeostat label {alert.task}",
        Remedy.RETRAIN: f"homeostat turn {alert.task} --dry-run",
        Remedy.REVIEW: f"homeostat held {alert.task}",
        Remedy.ROLLBACK: f"homeostat rollback {alert.task} --dry-run",
    }
    found = [done_with[alert.remedy]] if alert.remedy in done_with else []
    return [*found, f"homeostat why {alert.about or alert.id}"]


def headline(told: Mapping[str, Any]) -> str:
    """The alert in a line: `[critical] shop: routing: 0.810 of the newest …`."""
    alert = told["alert"]
    mark = {"resolved": "over", "test": "test"}.get(told["event"], alert["severity"])
    often = f" ({alert['count']} times)" if alert["count"] > 1 else ""
    return " ".join(f"[{mark}] {told['project']}: {alert['says']}{often}".split())


def lines(told: Mapping[str, Any]) -> list[str]:
    """What stands under the headline: why it is over, or what to do."""
    alert = told["alert"]
    if told["event"] == RESOLVED:
        return [f"over: {alert['because']}"]
    return [f"suggested: {alert['remedy']}", *told["next"]]
