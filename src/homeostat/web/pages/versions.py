"""The registry: every version, where it is in its life, what it came from, what it cost."""

from __future__ import annotations

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.types.report import Verdict
from homeostat.types.version import Version
from homeostat.web.pages.page import Asked, Data, Page, chosen_task
from homeostat.web.plain import plain

SHOWN = 100
"""Versions on the page."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The versions of a task, newest first."""
    task = chosen_task(config, asked)
    names: dict[str, list[str]] = {}
    for alias, version in store.aliases.all(task).items():
        names.setdefault(version, []).append(alias)
    verdicts = {verdict.candidate: verdict for verdict in store.verdicts.list(task)} if task else {}
    versions = store.versions.list(task, limit=SHOWN) if task else []
    rows = [_version(version, names.get(version.id, []), verdicts.get(version.id)) for version in reversed(versions)]
    return {"asked": {"task": task}, "tasks": list(config.tasks), "versions": rows}


def _version(version: Version, aliases: list[str], verdict: Verdict | None) -> Data:
    names = ("id", "task", "time", "state", "kind", "base", "parent", "dataset", "cost", "blob")
    said = {name: getattr(version, name) for name in names}
    judged = {"id": verdict.id, "outcome": verdict.outcome, "because": verdict.because} if verdict else None
    return {**plain(said), "labels": len(version.labels), "aliases": aliases, "verdict": plain(judged)}


PAGE = Page(path="/versions", name="Versions", template="versions.html", data=data)
