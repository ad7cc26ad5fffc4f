"""The nouns of which a turn leaves a handful: kept whole, by id, in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Table, select

from homeostat.store import rows
from homeostat.store.database import Database
from homeostat.store.edges import edges_of, write_edges
from homeostat.store.missing import not_found
from homeostat.types.release import Release
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version


class Noun(Protocol):
    """What the store needs to know of a noun."""

    @property
    def id(self) -> str:
        """Begins with the noun's own letters."""

    @property
    def task(self) -> str:
        """Name of its task."""

    @property
    def time(self) -> float:
        """Seconds since 1970."""


N = TypeVar("N", bound=Noun)
Some: TypeAlias = list[N]


class Nouns(Generic[N]):
    """The part of the store that holds one kind of noun."""

    def __init__(self, database: Database, kind: type[N], table: Table, prefix: str) -> None:
        self._database, self._kind, self._table, self._prefix = database, kind, table, prefix

    def put(self, noun: N) -> None:
        """Store a noun, in place of the one of its id if there is one, and link it to what its fields name.

        Raises:
            StoreFull: the disk is full; nothing is stored.
        """
        with self._database.write() as connection:
            self._put(connection, noun)

    def get(self, id: str) -> N:
        """The noun of this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            return self._get(connection, id)

    def list(self, task: str = "", limit: int | None = None) -> Some[N]:
        """The nouns of a task, or of all tasks, oldest first; the newest `limit` of them if a limit is given."""
        query = select(self._table.c.body).order_by(self._table.c.seq.desc()).limit(limit)
        if task:
            query = query.where(self._table.c.task == task)
        with self._database.read() as connection:
            bodies = connection.execute(query).scalars().all()
        return [rows.rebuild(self._kind, body) for body in reversed(bodies)]

    def latest(self, task: str) -> N | None:
        """The noun of a task that was stored last; None if there is none."""
        return next(iter(self.list(task, limit=1)), None)

    def _put(self, connection: Connection, noun: N) -> None:
        values = {"id": noun.id, "task": noun.task, "time": noun.time, "body": rows.plain(noun)} | self._more(noun)
        insert = self._database.insert(self._table).values(values)
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))
        write_edges(self._database, connection, edges_of(noun))

    def _more(self, noun: N) -> dict[str, Any]:
        """Columns of this kind of noun alone."""
        return {}

    def _get(self, connection: Connection, id: str, *, lock: bool = False) -> N:
        query = select(self._table.c.body).where(self._table.c.id == id)
        body = connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()
        if body is None:
            raise not_found(connection, self._table, self._prefix, id)
        found: N = rows.rebuild(self._kind, body)
        return found


class Versions(Nouns[Version]):
    """Versions; all of a version is fixed but its state."""

    def set_state(self, id: str, state: State) -> None:
        """Say where a version is in its life.

        Raises:
            NotFound: there is no such version.
        """
        with self._database.write() as connection:
            self._put(connection, replace(self._get(connection, id, lock=True), state=state))


class Releases(Nouns[Release]):
    """Releases; the newest of a task is in force."""

    def current(self, task: str) -> Release | None:
        """The release in force; None before the first."""
        return self.latest(task)


class Turns(Nouns[Turn]):
    """Turns, which a worker and people write in."""

    def change(self, id: str, change: Callable[[Turn], Turn]) -> Turn:
        """Store what `change` makes of a turn, and give it back; nobody else writes meanwhile.

        Raises:
            NotFound: there is no such turn.
        """
        with self._database.write() as connection:
            changed = change(self._get(connection, id, lock=True))
            self._put(connection, changed)
        return changed
