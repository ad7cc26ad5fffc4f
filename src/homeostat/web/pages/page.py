"""What a page is, and what all of them need: the query, the tasks, a noun that may be gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from homeostat.config.schema import Config
from homeostat.errors import BadRequest, NotFound
from homeostat.store import Store
from homeostat.types.release import Release

N_co = TypeVar("N_co", covariant=True)
PREFIX = "/ui"
"""Under which all pages lie."""
Asked = Mapping[str, str]
"""Parameters of the path and of the query."""
Data = dict[str, Any]
_VERSIONS = 20


def no_charts(data: Data) -> Data:
    """For pages of words."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: where it is, how it is set, what it says, what it draws."""

    path: str
    """Below the prefix; `{id}` stands for a parameter."""
    name: str
    """Its name in the masthead, or the name of the page that it lies behind."""
    template: str
    data: Callable[[Store, Config, Asked], Data]
    draw: Callable[[Data], Data] = no_charts
    refresh_s: int = 0
    """Seconds after which a browser asks again; 0 for never."""


class _Part(Protocol[N_co]):
    def get(self, id: str) -> N_co:
        """The noun of this id."""


def found(part: _Part[N_co], id: str) -> N_co | None:
    """The noun of an id; None where there is none, or the id is empty."""
    try:
        return part.get(id) if id else None
    except NotFound:
        return None


def chosen_task(config: Config, asked: Asked) -> str:
    """The task asked for, or the first.

    Raises:
        UnknownKey: no such task.
    """
    name = asked.get("task") or next(iter(config.tasks), "")
    return config.task(name).name if name else ""


def champion(store: Store, task: str, release: Release | None) -> str:
    """Id of the version that answers a task; empty before the first release."""
    return release.champion if release else store.aliases.get(task, "champion") or ""


def chosen_version(store: Store, config: Config, asked: Asked) -> tuple[str, Data]:
    """The version asked for (`version`, else the champion) of a task, and what a page says of the choice.

    Raises:
        UnknownKey: no such task.
    """
    task = chosen_task(config, asked)
    version = asked.get("version") or (champion(store, task, store.releases.current(task)) if task else "")
    return version, {
        "asked": {"task": task, "version": version},
        "tasks": list(config.tasks),
        "versions": [v.id for v in reversed(store.versions.list(task, limit=_VERSIONS))] if task else [],
    }


def moment(asked: Asked, name: str, default: float) -> float:
    """A parameter that is a time in seconds since 1970.

    Raises:
        BadRequest: it is not a number.
    """
    value = asked.get(name, "")
    try:
        return float(value) if value else default
    except ValueError:
        raise BadRequest(f"{name} is not a number: '{value}'", where=name, fix="seconds since 1970") from None
