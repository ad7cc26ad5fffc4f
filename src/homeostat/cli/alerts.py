"""List the alerts: what happened, how often, whether it is over, and whether whoever should know was reached.

What could not be sent stands under the list, with the id for `homeostat alerts retry`. `homeostat why ID` goes on from
an alert to the requests behind it.

Exit codes: 0 printed; 1x configuration.

Example: `homeostat alerts --open`
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.store import Store
from homeostat.types.alert import Alert
from homeostat.types.delivery import Delivery, Post
from homeostat.web import words
from homeostat.web.plain import plain

COLUMNS = ("id", "last (UTC)", "severity", "kind", "task", "times", "state", "told", "what")
UNSENT = ("delivery", "alert", "channel", "tries", "state", "problem")


def command(
    task: Annotated[str, typer.Argument(help="Name of a task. Empty: all.")] = "",
    still: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most alerts to show, newest last.")] = 20,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the alerts: what happened, how often, whether it is over, and whether whoever should know was reached."""
    with project(config) as opened:
        name = opened.config.task(task, where="TASK").name if task else ""
        store = opened.store
        found = store.alerts.open(name)[-limit:] if still else store.alerts.list(name, limit=limit)
        told = {alert.id: store.deliveries.list(alert=alert.id) for alert in found}
        unsent = _unsent(store)
    if as_json:
        document({"alerts": [{**plain(a), "deliveries": plain(told[a.id])} for a in found], "unsent": plain(unsent)})
        return
    table("alerts", COLUMNS, [_row(alert, told[alert.id]) for alert in found])
    if unsent:
        rows = [(d.id, d.alert, d.channel, str(d.tries), d.state.value, d.problem) for d in unsent]
        table("\nnot sent", UNSENT, rows)


def _unsent(store: Store) -> list[Delivery]:
    """What waits, and what was given up."""
    return [*store.deliveries.list(state=Post.DEAD, limit=100), *store.deliveries.list(state=Post.WAITING, limit=100)]


def _row(alert: Alert, told: list[Delivery]) -> tuple[str, ...]:
    state = "over" if alert.resolved else "silenced" if alert.silence else "open"
    counts = Counter(delivery.state.value for delivery in told)
    place = " ".join(filter(None, (alert.task, alert.slice))) or "–"
    return (
        alert.id,
        words.when(alert.last),
        alert.severity.value,
        alert.kind,
        place,
        str(alert.count),
        state,
        ", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "–",
        alert.says,
    )
