"""Send a test alert through every channel, now, and say how it went.

Nothing is stored and nothing is tried twice. A channel whose secret is missing or whose address is none is told as an
error before anything is sent.

Exit codes: 0 every channel took it; 1 one did not; 1x configuration (19: an environment variable is missing).

Example: `homeostat alerts test --only ops`
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.alert.channels.opened import opened
from homeostat.alert.channels.way import NotTaken, Way
from homeostat.alert.message import TEST, body
from homeostat.cli.table import document, table
from homeostat.config.load import load
from homeostat.errors import UnknownKey, did_you_mean
from homeostat.types import ids
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery

COLUMNS = ("channel", "kind", "where", "arrived", "took (ms)", "problem")


def command(
    only: Annotated[str, typer.Option(help="Name of one channel. Empty: all.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Send a test alert through every channel, now, and say how it went."""
    settings = load(config)
    channels = settings.alerts.channels
    if (only and only not in channels) or not channels:
        what = f"no channel '{only}'" if only else "no channel is configured"
        raise UnknownKey(what, where="alerts.channels", fix=did_you_mean(only, channels) if channels else _FIX)
    now = time.time()
    says = "this is a test: nothing happened, and whoever reads this would have been told"
    alert = Alert(id=ids.new("alr"), task="", time=now, last=now, kind=TEST, severity=Severity.INFO, says=says)
    told = body(alert, TEST, settings.project)
    ways = {name: way for name, way in opened(settings.alerts).items() if only in ("", name)}
    tried = [{"channel": name, "kind": channels[name].kind, **_tried(way, name, told)} for name, way in ways.items()]
    if as_json:
        document({"channels": tried})
    else:
        rows = [[row[key] if key != "arrived" else ("no", "yes")[row[key]] for key in _KEYS] for row in tried]
        table("channels", COLUMNS, [[str(cell) for cell in row] for row in rows])
    if not all(row["arrived"] for row in tried):
        raise typer.Exit(1)


_KEYS = ("channel", "kind", "place", "arrived", "took_ms", "problem")
_FIX = "add one: `alerts: {channels: {ops: {url: https://…}}}`; docs/how-to/be-told.md"


def _tried(way: Way, name: str, told: dict[str, Any]) -> dict[str, Any]:
    began, arrived = time.perf_counter(), True
    key = ids.new("dlv")
    try:
        problem = way.send(Delivery(id=key, alert="", channel=name, edition=TEST, time=time.time(), body=told))
    except NotTaken as refused:
        arrived, problem = False, str(refused)
    took = round(1e3 * (time.perf_counter() - began))
    return {"place": way.place, "delivery": key, "arrived": arrived, "took_ms": took, "problem": problem}
