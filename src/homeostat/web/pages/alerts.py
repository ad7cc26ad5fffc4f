"""What people were told, or should have been: each alert with its course and what became of its deliveries."""

from __future__ import annotations

import shlex
import time

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.types.alert import Alert
from homeostat.types.delivery import Post
from homeostat.web.pages.page import Asked, Data, Page, found
from homeostat.web.plain import plain

SHOWN = 100
"""Alerts on the page."""


OPEN, SILENCED, OVER = "open", "silenced", "over"
"""Where an alert stands."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The alerts of a task (`task`), or of all, newest first, with the silences in force and what was given up."""
    task = config.task(asked["task"]).name if asked.get("task") else ""
    now = time.time()
    shown = [_alert(store, alert, now) for alert in store.alerts.list(task, limit=SHOWN)[::-1]]
    return {
        "asked": {"task": task},
        "tasks": list(config.tasks),
        "channels": {name: {"kind": c.kind, "least": c.least} for name, c in config.alerts.channels.items()},
        "cool_down_s": config.alerts.cool_down_s,
        "counts": {state: sum(one["state"] == state for one in shown) for state in (OPEN, SILENCED, OVER)},
        "alerts": shown,
        "silences": plain(store.silences.in_force(now)),
        "dead": plain(store.deliveries.list(state=Post.DEAD, limit=SHOWN)),
    }


def _alert(store: Store, alert: Alert, now: float) -> Data:
    """An alert, where it stands, what keeps it quiet, what to type, and where each of its deliveries is; what was sent
    is not said twice.
    """
    state = OVER if alert.resolved else SILENCED if alert.silence else OPEN
    sent = [
        {"id": d.id, "channel": d.channel, "edition": d.edition, "state": d.state, "tries": d.tries}
        | {"problem": d.problem, "sent": d.sent}
        for d in store.deliveries.list(alert=alert.id)
    ]
    silence = found(store.silences, alert.silence)
    kept = None if silence is None else plain(silence) | {"holds": silence.holds(now)}
    return {**plain(alert), "state": state, "silenced": kept, "do": _commands(alert), "deliveries": plain(sent)}


def _commands(alert: Alert) -> list[str]:
    """What to type of an alert that is not over: that it is, or that nobody wants to hear of its like for a while."""
    if alert.resolved:
        return []
    where = (("task", alert.task), ("kind", alert.kind), ("slice", alert.slice))
    narrowed = " ".join(f"--{name} {shlex.quote(value)}" for name, value in where if value)
    return [
        f'homeostat alerts close {alert.id} --because "…"',
        f'homeostat alerts silence {narrowed} --for 2h --why "…"',
    ]


PAGE = Page(path="/alerts", name="Alerts", template="alerts.html", data=data)
