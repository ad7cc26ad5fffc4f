"""The project a command works on: its configuration, its store, and which of its tasks is meant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homeostat.config.load import load
from homeostat.config.schema import Config
from homeostat.errors import NothingReleased, UnknownKey
from homeostat.loop.listening.held import book
from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind


@dataclass(frozen=True, slots=True)
class Project:
    """An open project."""

    config: Config
    store: Store

    def task(self, name: str) -> str:
        """The task of this name; without one, the only task there is."""
        return chosen(self.config, name)

    def champion(self, task: str) -> str:
        """Id of the version that answers a task.

        Raises:
            NothingReleased: none does yet.
        """
        found = self.store.aliases.get(task, "champion")
        if found is None:
            fix = "train a first one from history: `homeostat import FILE`"
            raise NothingReleased(f"no version answers '{task}' yet", fix=fix)
        return found


@contextmanager
def project(config: Path) -> Iterator[Project]:
    """The project of a `homeostat.yaml`, closed when the block ends."""
    settings = load(config)
    with Store.open(settings.database, settings.blobs) as store:
        yield Project(settings, store)


def chosen(config: Config, name: str, *, where: str = "TASK") -> str:
    """The task of this name, given at `where` on the command line; without one, the only task there is.

    Raises:
        UnknownKey: there is no such task, or none was named and there are several or none.
    """
    if name:
        return config.task(name, where=where).name
    if len(config.tasks) == 1:
        return next(iter(config.tasks))
    if not config.tasks:
        raise UnknownKey("the project has no task", where="tasks", fix="add one: `tasks: {routing: {kind: label}}`")
    raise UnknownKey(
        f"the project has {len(config.tasks)} tasks and none was named",
        where="tasks",
        fix=f"name one of them: {', '.join(config.tasks)}",
    )


def told_until(store: Store, task: str) -> float:
    """When a task was last told something to learn (a label, a correction, a rating), or let it count after it was
    doubted, by the clock that this was stamped with; 0 for never.
    """
    doubted = book(store, task)
    said = [one.time for one in store.feedback.list(task) if one.kind is FeedbackKind.RATING]
    said += [said.time for _, said in store.interactions.labeled(task)]
    return max((*said, *doubted.released.values(), *doubted.shared.values()), default=0.0)
