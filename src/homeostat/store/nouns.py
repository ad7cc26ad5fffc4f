"""The nouns of which a turn leaves a handful: kept whole, by id, in the order in which they came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Table, select

from homeostat.store import audit, rows
from homeostat.store.database import Database
from homeostat.store.edges import edges_of, write_edges
from homeostat.store.missing import not_found
from homeostat.store.seals import sealed
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
_STANDS = ("state", "stage", "outcome", "action", "severity")
"""The field of a noun that says how it stands."""
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
        with self._database.audited() as connection:
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
        """Store a noun, its seal, its edges and its entry in the audit log; one that is there as it is has its own."""
        row = sealed(self._table, self._values(connection, noun), connection.dialect)
        there = connection.execute(select(self._table.c.seal).where(self._table.c.id == noun.id)).scalar_one_or_none()
        insert = self._database.insert(self._table).values(row)
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=row))
        write_edges(self._database, connection, edges_of(noun))
        if there != row["seal"]:
            audit.append(self._database, connection, _told(self._table, noun), noun.id, row["seal"])

    def _values(self, connection: Connection, noun: N) -> dict[str, Any]:
        """The columns of a noun; some kinds have more than these."""
        return {"id": noun.id, "task": noun.task, "time": noun.time, "body": rows.plain(noun)}

    def _get(self, connection: Connection, id: str, *, lock: bool = False) -> N:
        query = select(self._table.c.body).where(self._table.c.id == id)
        body = connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()
        if body is None:
            raise not_found(connection, self._table, self._prefix, id)
        found: N = rows.rebuild(self._kind, body)
        return found


def _told(table: Table, noun: object) -> str:
    """What is written, in the words of the audit log: the noun and how it stands, e.g. `version live`."""
    stands = next((getattr(noun, name) for name in _STANDS if hasattr(noun, name)), "written")
    return f"{table.name[:-1]} {getattr(stands, 'value', stands)}"


class Versions(Nouns[Version]):
    """Versions; all of a version is fixed but its state."""

    def set_state(self, id: str, state: State) -> None:
        """Say where a version is in its life.

        Raises:
            NotFound: there is no such version.
        """
        with self._database.audited() as connection:
            self._put(connection, replace(self._get(connection, id, lock=True), state=state))


class Releases(Nouns[Release]):
    """Releases; the newest of a task is in force."""

    def current(self, task: str) -> Release | None:
        """The release in force; None before the first."""
        return self.latest(task)


class Turns(Nouns[Turn]):
    """Turns, which a worker and people write in."""

    def under_way(self, task: str) -> list[Turn]:
        """Those of a task that have not ended, the oldest first."""
        return [turn for turn in self.list(task) if turn.under_way]

    def change(self, id: str, change: Callable[[Turn], Turn]) -> Turn:
        """Store what `change` makes of a turn, and give it back; nobody else writes meanwhile.

        Raises:
            NotFound: there is no such turn.
        """
        with self._database.audited() as connection:
            changed = change(self._get(connection, id, lock=True))
            self._put(connection, changed)
        return changed
