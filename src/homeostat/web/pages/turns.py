"""The turns, newest first."""

from __future__ import annotations

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.web.pages.page import Asked, Data, Page
from homeostat.web.plain import plain

SHOWN = 100
"""Turns on the page."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The turns of a task (`task`), or of all."""
    task = config.task(asked["task"]).name if asked.get("task") else ""
    return {
        "asked": {"task": task},
        "tasks": list(config.tasks),
        "turns": plain(store.turns.list(task, limit=SHOWN)[::-1]),
    }


PAGE = Page(path="/turns", name="Turns", template="turns.html", data=data)
