"""The change log of a deployment: who answered since when, why, and on what evidence, the newest first."""

from __future__ import annotations

from homeostat.config.schema import Config
from homeostat.release.changes import changes
from homeostat.store import Store
from homeostat.web.pages.page import Asked, Data, Page, chosen_task
from homeostat.web.plain import plain

SHOWN = 100
"""Changes on the page."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The changes of a task."""
    task = chosen_task(config, asked)
    found = changes(store, task) if task else []
    return {"asked": {"task": task}, "tasks": list(config.tasks), "changes": plain(found[::-1][:SHOWN])}


PAGE = Page(path="/changes", name="Changes", template="changes.html", data=data)
