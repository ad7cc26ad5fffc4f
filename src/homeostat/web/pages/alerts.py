"""What people were told, or should have been: each alert with its course and what became of its deliveries."""

from __future__ import annotations

import time

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.types.alert import Alert
from homeostat.types.delivery import Post
from homeostat.web.pages.page import Asked, Data, Page
from homeostat.web.plain import plain

SHOWN = 100
"""Alerts on the page."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The alerts of a task (`task`), or of all, newest first, with the silences in force and what was given up."""
    task = config.task(asked["task"]).name if asked.get("task") else ""
    return {
        "asked": {"task": task},
        "tasks": list(config.tasks),
        "channels": {name: {"kind": c.kind, "least": c.least} for name, c in config.alerts.channels.items()},
        "alerts": [_alert(store, alert) for alert in store.alerts.list(task, limit=SHOWN)[::-1]],
        "silences": plain(store.silences.in_force(time.time())),
        "dead": plain(store.deliveries.list(state=Post.DEAD, limit=SHOWN)),
    }


def _alert(store: Store, alert: Alert) -> Data:
    """An alert, where it stands, and where each of its deliveries is; what was sent is not said twice."""
    state = "over" if alert.resolved else "silenced" if alert.silence else "open"
    sent = [
        {"id": d.id, "channel": d.channel, "edition": d.edition, "state": d.state, "tries": d.tries}
        | {"problem": d.problem, "sent": d.sent}
        for d in store.deliveries.list(alert=alert.id)
    ]
    return {**plain(alert), "state": state, "deliveries": plain(sent)}


PAGE = Page(path="/alerts", name="Alerts", template="alerts.html", data=data)
