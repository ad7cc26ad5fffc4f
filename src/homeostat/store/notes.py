"""Small things kept by name: aliases of versions, states of detectors, configurations, and the events of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import select

from homeostat.errors import NotFound
from homeostat.store.audit import append, place
from homeostat.store.database import Database
from homeostat.store.rows import plain
from homeostat.store.seals import sealed
from homeostat.store.tables import aliases, configs, events, state

SEEN = "worker:seen"
"""Key of the state that says when the worker watched last, in seconds since 1970."""
MEMORY = "memory"
"""Name of the event of a version that says what memory it was measured to take to answer."""
STANDINGS = "objectives"
"""Key of the state that says where objectives stood when the worker looked last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a subject: a training step with its loss, a mark of a rollout."""

    seq: int
    """Place in the order of all events."""
    subject: str
    """Id of what it happened to."""
    name: str
    time: float
    """When it was stored, in seconds since 1970."""
    values: Mapping[str, Any]


Some: TypeAlias = list[Event]


class Events:
    """The part of the store that holds events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, subject: str, name: str, values: Mapping[str, Any]) -> None:
        """Store an event, durable on return."""
        row = {"subject": subject, "name": name, "time": time.time(), "values": plain(values)}
        with self._database.write() as connection:
            connection.execute(events.insert().values(sealed(events, row, connection.dialect)))

    def list(self, subject: str, after: int = 0) -> Some:
        """The events of a subject past the one numbered `after`, in order."""
        columns = [column for column in events.c if column.name != "seal"]
        query = select(*columns).where(events.c.subject == subject, events.c.seq > after).order_by(events.c.seq)
        with self._database.read() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]


class Aliases:
    """The part of the store that holds names of versions, such as `champion`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, task: str, alias: str, version: str) -> None:
        """Let `alias` name `version` from now on."""
        with self._database.audited() as connection:
            row = sealed(aliases, {"task": task, "alias": alias, "version": version}, connection.dialect)
            insert = self._database.insert(aliases).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["task", "alias"], set_=row))
            append(self._database, connection, f"alias {alias}", place(task, alias), row["seal"])

    def get(self, task: str, alias: str) -> str | None:
        """The id of the version that the alias names; None if it names none."""
        return self.all(task).get(alias)

    def all(self, task: str) -> dict[str, str]:
        """Alias -> id of its version."""
        query = select(aliases.c.alias, aliases.c.version).where(aliases.c.task == task).order_by(aliases.c.alias)
        with self._database.read() as connection:
            return dict(connection.execute(query).tuples().all())


class States:
    """The part of the store that holds what a detector or a guard has to remember, as JSON."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, key: str, value: Any) -> None:
        """Remember a value in place of the one before."""
        with self._database.write() as connection:
            row = sealed(state, {"key": key, "value": plain(value)}, connection.dialect)
            insert = self._database.insert(state).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=row))

    def change(self, key: str, change: Callable[[Any], Any]) -> None:
        """Remember what `change` makes of the value, which is None if there is none; nobody else writes meanwhile."""
        first = self._database.insert(state).values(key=key, value=None).on_conflict_do_nothing()
        query = select(state.c.value).where(state.c.key == key).with_for_update()
        with self._database.write() as connection:
            connection.execute(first)  # a row that is not there cannot be locked
            value = plain(change(connection.execute(query).scalar_one()))
            row = sealed(state, {"key": key, "value": value}, connection.dialect)
            connection.execute(state.update().where(state.c.key == key).values(row))

    def get(self, key: str, default: Any = None) -> Any:
        """The value remembered under a key."""
        with self._database.read() as connection:
            row = connection.execute(select(state.c.value).where(state.c.key == key)).one_or_none()
        return default if row is None else row[0]

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so, in order."""
        query = select(state.c.key).where(state.c.key.startswith(prefix, autoescape=True)).order_by(state.c.key)
        with self._database.read() as connection:
            # LIKE knows no capitals on SQLite.
            return [key for key in connection.execute(query).scalars() if key.startswith(prefix)]


class Configs:
    """The part of the store that holds every configuration that was ever in force, by its hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, hash: str, text: str) -> None:
        """Store a configuration's text; the same hash again changes nothing."""
        with self._database.write() as connection:
            row = sealed(configs, {"hash": hash, "text": text}, connection.dialect)
            connection.execute(self._database.insert(configs).values(row).on_conflict_do_nothing())

    def get(self, hash: str) -> str:
        """The text of a configuration.

        Raises:
            NotFound: no row was ever written under it.
        """
        with self._database.read() as connection:
            text = connection.execute(select(configs.c.text).where(configs.c.hash == hash)).scalar_one_or_none()
        if text is None:
            raise NotFound(f"no configuration '{hash}'", where="table configs")
        return str(text)
