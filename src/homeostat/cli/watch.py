"""Show how far the traffic of a task has moved: the statistic beside its threshold, and the newest signals.

The statistic is that of the version that answers now: of its requests, and of its losses once there are labels. While
nothing moves it passes its threshold once in `monitor.false_alarm_every` of these on average. Under each signal: shares
of known kinds; 300 requests later the slice that carries most, the kind of drift, new topics. `--follow` says it again
on change.

Exit codes: 0 printed; 1x configuration; 53 no version answers the task yet.

Example: `homeostat watch routing --follow`
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.embedding import standing
from homeostat.cli.interrupt import interrupted
from homeostat.cli.project import Project, project
from homeostat.cli.table import document, table
from homeostat.monitor.levels import of_labels, of_requests
from homeostat.monitor.naming.name import state_key
from homeostat.monitor.naming.shares import shares_key
from homeostat.monitor.watch import LOSS
from homeostat.web import words
from homeostat.web.plain import plain

LOOK_S = 1.0  # seconds between two looks
_KEPT = {"naming": state_key, "shares": shares_key}


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
    trace, watcher = (opened.store.state.get(f"{kept}:{version}", {}) for kept in ("trace", "watcher"))
    known = of_labels(watcher)
    losses = {LOSS: asdict(known[1]) | {"labels": known[0]}} if known else {}
    return {
        "task": task,
        "version": version,
        "requests": opened.store.interactions.count(task, version=version),
        "calibrates_on": settings.min_reference,
        "threshold": settings.false_alarm_every,
        "embedding": standing(opened.store),
        "statistic": {name: asdict(level) for name, level in of_requests(trace).items()} | losses,
        "signals": [
            plain(signal) | {name: opened.store.state.get(key(signal.id)) for name, key in _KEPT.items()}
            for signal in opened.store.signals.list(task, limit=limit)
        ],
    }


def _print(seen: dict[str, Any]) -> None:
    learning = f"learning what is normal: {seen['requests']:,} of {seen['calibrates_on']:,} requests"
    threshold = words.count(seen["threshold"])
    rows = [] if seen["statistic"].keys() - {LOSS} else [(learning, "", "", threshold)]
    for name, value in seen["statistic"].items():
        of = f" of {words.several(value['labels'], 'label')}" if name == LOSS else ""
        rows.append((name + of, words.about(value["log10"]), words.about(value["highest_log10"]), threshold))
    table(f"{seen['task']}, {seen['version']}", ("statistic", "now", "highest", "threshold"), rows)
    for line in seen["embedding"]["says"]:
        typer.echo(line)
    told = [
        (s["id"], words.when(s["time"]), s["moved"], s["detector"], words.amount(s["statistic"]), words.count(s["n"]))
        for s in seen["signals"]
    ]
    table("\nsignals", ("id", "time (UTC)", "moved", "detector", "statistic", "after requests"), told)
    for s in seen["signals"]:
        named = s["naming"] and f"{s['naming']['says']} {s['naming']['kind']}".rstrip()
        for said in filter(None, (s["shares"] and s["shares"]["says"], named)):
            typer.echo(f"\n{s['id']}: {said}")
        for topic in s["naming"]["topics"] if s["naming"] else ():
            typer.echo(f"  new topic: {topic['name']} ({words.percent(topic['after'])} of the requests since)")
