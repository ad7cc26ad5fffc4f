"""Show how far the traffic of a task has moved: the statistic beside its threshold, and the newest signals.

The statistic is that of the version that answers now; it passes its threshold while nothing moves once in
`monitor.false_alarm_every` requests on average. `--follow` prints it again whenever it has changed, until interrupted.

Exit codes: 0 printed; 1x configuration; 53 no version answers the task yet.

Example: `homeostat watch routing --follow`
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from homeostat.cli.interrupt import interrupted
from homeostat.cli.project import Project, project
from homeostat.cli.table import document, table
from homeostat.monitor.channels import CONFIDENCE, NEIGHBORS
from homeostat.monitor.detectors.shiryaev_roberts import log_mean
from homeostat.web import words
from homeostat.web.plain import plain

LOOK_S = 1.0
"""Seconds between two looks."""


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    limit: Annotated[int, typer.Option(min=1, help="Most signals to show, newest last.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", help="Again whenever it has changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON; with --follow a document each time.")] = False,
) -> None:
    """Show how far the traffic of a task has moved: the statistic beside its threshold, and the newest signals."""
    with project(config) as opened, interrupted() as stop:
        name, last = opened.task(task), None
        while not stop.is_set():
            seen = _look(opened, name, limit)
            if seen != last:
                document(seen) if as_json else _print(seen)
            last = seen
            if not follow or stop.wait(LOOK_S):
                return


def _look(opened: Project, task: str, limit: int) -> dict[str, Any]:
    """What is known at this moment."""
    version, settings = opened.champion(task), opened.config.monitor
    trace = opened.store.state.get(f"trace:{version}", [])
    return {
        "task": task,
        "version": version,
        "requests": opened.store.interactions.count(task, version=version),
        "calibrates_on": settings.min_reference,
        "threshold": settings.false_alarm_every,
        "statistic": _statistic(trace),
        "signals": plain(opened.store.signals.list(task, limit=limit)),
    }


def _statistic(trace: list[list[float]]) -> dict[str, dict[str, float]]:
    """Per channel and together, the newest and the highest log10 of the statistic; empty without a trace."""
    if not trace:
        return {}
    values = np.array([point[1:] for point in trace], dtype=np.float64)
    together = log_mean(values * math.log(10.0)) / math.log(10.0)
    columns = dict(zip((CONFIDENCE, NEIGHBORS), values.T, strict=False)) | {"together": together}
    return {name: {"log10": float(c[-1]), "highest_log10": float(c.max())} for name, c in columns.items()}


def _print(seen: dict[str, Any]) -> None:
    calibrating = f"learning what is normal: {seen['requests']:,} of {seen['calibrates_on']:,} requests"
    rows = [
        (name, words.about(value["log10"]), words.about(value["highest_log10"]), words.count(seen["threshold"]))
        for name, value in seen["statistic"].items()
    ] or [(calibrating, "", "", words.count(seen["threshold"]))]
    table(f"{seen['task']}, {seen['version']}", ("statistic", "now", "highest", "threshold"), rows)
    told = [
        (s["id"], words.when(s["time"]), s["moved"], s["detector"], words.amount(s["statistic"]), words.count(s["n"]))
        for s in seen["signals"]
    ]
    table("\nsignals", ("id", "time (UTC)", "moved", "detector", "statistic", "after requests"), told)
