"""What `doctor` asks of a project: its configuration, its channels for alerts, its store, its model, its port.

The rooms that do the work are imported when they are asked about, so that a broken package is a finding and not the
end.
"""

from __future__ import annotations

import importlib
import json
import time
import urllib.error
import urllib.request
from pathlib import Path

from homeostat.cli.check import Check, Level
from homeostat.config.load import load
from homeostat.config.schema import Config
from homeostat.errors import NoProject, PortInUse


def configuration(path: Path) -> tuple[Config, Check]:
    """The configuration, or the defaults where there is no file yet."""
    try:
        config = load(path)
        importlib.import_module("homeostat.loop.workshop").hold(config)
    except NoProject as missing:
        return Config(), Check(name="configuration", level=Level.WARN, found=missing.what, fix=missing.fix)
    if not config.tasks:
        fix = "add one: `tasks: {routing: {kind: label}}`"
        return config, Check(name="configuration", level=Level.WARN, found=f"{path} names no task", fix=fix)
    tasks = ", ".join(config.tasks)
    return config, Check(name="configuration", found=f"{path}: project {config.project}, tasks {tasks}")


def alerts(config: Config) -> Check:
    """Whether every channel for alerts has its address and its secrets in this environment; nothing is sent."""
    ways = importlib.import_module("homeostat.alert.channels.opened").opened(config.alerts)
    if not ways:
        return Check(name="alerts", found="no channel: alerts are on the pages and in `homeostat alerts` alone")
    kinds = {name: channel.kind for name, channel in config.alerts.channels.items()}
    return Check(name="alerts", found=", ".join(f"{name} ({kinds[name]}, {way.place})" for name, way in ways.items()))


def store(config: Config) -> Check:
    """Whether the store opens; one of SQLite that is not there yet is not made."""
    file = Path(config.database.removeprefix("sqlite:///"))
    if config.database.startswith("sqlite") and not file.exists():
        return Check(name="store", found="not there yet; made when it is first needed")
    opened = importlib.import_module("homeostat.store").Store.open(config.database, config.blobs)
    try:
        rows = {task: opened.interactions.count(task) for task in config.tasks}
    finally:
        opened.close()
    return Check(name="store", found="opens; requests: " + (", ".join(f"{t} {n:,}" for t, n in rows.items()) or "none"))


def model(config: Config) -> Check:
    """Whether the base model is found and loads."""
    began = time.perf_counter()
    opened = importlib.import_module("homeostat.llm.load").open_model(config.model.weights)
    size = importlib.import_module("homeostat.llm.four_bit").parameters(opened.model)
    took = time.perf_counter() - began
    found = f"{config.model.weights}: {opened.family}, {size / 1e6:.1f} M parameters, loaded in {took:.1f} s"
    return Check(name="model", found=found)


def port(config: Config) -> Check:
    """Whether the gateway's port is free, or taken by a gateway."""
    address = f"{config.gateway.host}:{config.gateway.port}"
    try:
        importlib.import_module("homeostat.gateway.server").listen(config.gateway).close()
    except PortInUse:
        status = _gateway(config)
        if status is None:
            raise
        found = f"{address}: a gateway answers there, status {status}"
        if status == "ok":
            return Check(name="port", found=found)
        return Check(name="port", level=Level.WARN, found=found, fix=f"http://{address}/healthz says what it is")
    return Check(name="port", found=f"{address} is free" if config.gateway.port else "any free one")


def _gateway(config: Config) -> str | None:
    """What the gateway that listens there says of itself; None where it is another program."""
    host = f"[{config.gateway.host}]" if ":" in config.gateway.host else config.gateway.host
    try:
        with urllib.request.urlopen(f"http://{host}:{config.gateway.port}/healthz", timeout=2.0) as reply:
            return str(json.load(reply)["status"])
    except urllib.error.HTTPError as problem:
        return "failing" if problem.code == 503 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
