"""Who answers each task, how well, what moved, and what was decided."""

from __future__ import annotations

import time

from homeostat.config.schema import Config
from homeostat.release.states import held_until, is_open
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.store.notes import SEEN, STANDINGS
from homeostat.types.alert import Alert
from homeostat.types.interaction import Interaction
from homeostat.types.task import Task
from homeostat.web import chart, plots, scale
from homeostat.web.pages.page import Asked, Data, Page, champion, found
from homeostat.web.plain import plain
from homeostat.web.quality import course, measured

WINDOW = 2_000
"""Newest requests that quality and traffic are told of."""
SHOWN = 5
"""Newest requests that are shown."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """A part per task."""
    stood = plain((store.state.get(STANDINGS) or {}).get("objectives", []))
    tasks = [
        {**_task(store, config, name), "objectives": [one for one in stood if one["task"] == name]}
        for name in config.tasks
    ]
    return {
        "project": config.project,
        "window": WINDOW,
        "worker": {"seen": store.state.get(SEEN), "now": time.time()},
        "alerts": _alerts(store.alerts.open()),
        "tasks": tasks,
    }


def _alerts(known: list[Alert]) -> list[Data]:
    """Alerts that are not over and not silenced, the most severe first, and of these the newest."""
    told = sorted((one for one in known if not one.silence), key=lambda one: (-one.severity.rank, -one.last))
    return [
        {"id": one.id, "task": one.task, "severity": one.severity.value, "says": one.says, "last": one.last}
        for one in told
    ]


def _task(store: Store, config: Config, name: str) -> Data:
    task, release = config.task(name), store.releases.current(name)
    last = reversed(store.interactions.last(name, WINDOW))
    rows = [row for row in last if row.version]  # nobody answered what was imported
    answering = champion(store, name, release)
    said = {
        "name": name,
        "kind": task.kind,
        "metric": task.metric,
        "objective": config.tasks[name].objective_at_least,
        "champion": _version(store, answering),
        "traffic": _traffic(store, name, rows),
        "release": release if is_open(release) else None,
        "held_until": held_until(store, release, time.time()),
        "newest_release": release,
        "signal": store.signals.latest(name),
        "decision": store.decisions.latest(name),
    }
    return {**plain(said), **_quality(store, task, answering, rows)}


def _version(store: Store, id: str) -> Data | None:
    version = found(store.versions, id)
    if version is None:
        return None
    return {"id": id, "state": version.state, "time": version.time, "labels": len(version.labels), "base": version.base}


def _traffic(store: Store, task: str, rows: list[Interaction]) -> Data:
    if not rows:
        return {"total": 0, "rows": 0, "newest": []}
    latencies = sorted(row.latency_ms for row in rows)
    return {
        "total": store.interactions.count(task),
        "rows": len(rows),
        "first": rows[-1].time,
        "last": rows[0].time,
        "confidence": mean_interval([row.confidence for row in rows]).mean,
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))],
        "newest": rows[:SHOWN],
    }


def _quality(store: Store, task: Task, answering: str, rows: list[Interaction]) -> Data:
    """The champion's own labeled replies, and the course over whoever answered."""
    known = store.interactions.labeled(task.name, since=rows[-1].time, measuring=True) if rows else []
    pairs = [pair for pair in known if pair[0].version]
    mine = [pair for pair in pairs if pair[0].version == answering]
    said = {"quality": measured(task.kind, mine), "labeled": len(pairs), "course": course(task.kind, pairs)}
    return {**plain(said)}


def draw(data: Data) -> Data:
    """Per task the course of quality, and its interval beside the objective."""
    drawn = {}
    for task in data["tasks"]:
        points = [{"time": p["time"], "version": p["version"], **p["score"]} for p in task["course"]]
        name = task["metric"].capitalize() if task["metric"] == "accuracy" else f"{task['metric']} / 100"
        drawn[task["name"]] = {
            "course": plots.accuracy(points, what=name, height=130) if len(points) > 1 else "",
            "quality": _strip(task["quality"], task["objective"]),
        }
    return {"drawn": drawn}


def _strip(quality: Data | None, objective: float | None) -> str:
    if quality is None or quality["low"] is None:
        return ""
    low, high = quality["low"], quality["high"]
    across = scale.shares([low if objective is None else min(low, objective)])
    return chart.strip(quality["mean"], low, high, across, objective)


PAGE = Page(path="", name="Overview", template="overview.html", data=data, draw=draw, refresh_s=10)
