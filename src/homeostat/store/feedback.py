"""What people and programs said about interactions; nothing here is ever changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from homeostat.errors import NotFound
from homeostat.store import rows
from homeostat.store.database import Database
from homeostat.store.missing import not_found
from homeostat.store.seals import sealed
from homeostat.store.tables import feedback as said
from homeostat.store.tables import interactions as log
from homeostat.types.feedback import Feedback

Rows: TypeAlias = list[Feedback]


class Feedbacks:
    """The part of the store that holds feedback. Lists are ordered by time, then by arrival."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, feedback: Iterable[Feedback]) -> int:
        """Store all of it in one transaction and say how much was new; an id that is there already stays as it is.

        Raises:
            NotFound: it is about an interaction that the store does not hold; none of it is stored.
            StoreFull: the disk is full; none of it is stored.
        """
        values = [rows.columns(one) for one in feedback]
        if not values:
            return 0
        with self._database.write() as connection:
            _must_exist(connection, {value["interaction"] for value in values})
            statement = self._database.insert(said).on_conflict_do_nothing(index_elements=["id"])
            new = [sealed(said, value, connection.dialect) for value in values]
            return len(connection.execute(statement.returning(said.c.id), new).all())

    def get(self, id: str) -> Feedback:
        """The feedback of this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*rows.selected(Feedback, said)).where(said.c.id == id)).one_or_none()
            if row is None:
                raise not_found(connection, said, "fbk", id)
        return rows.noun(Feedback, row)

    def of(self, interactions: Collection[str]) -> Rows:
        """Everything that was said about the interactions of these ids."""
        found: Rows = []
        with self._database.read() as connection:
            for chunk in rows.chunks(interactions):
                query = select(*rows.selected(Feedback, said)).where(said.c.interaction.in_(chunk))
                found += [rows.noun(Feedback, row) for row in connection.execute(query.order_by(said.c.seq))]
        return sorted(found, key=lambda one: one.time)

    def list(self, task: str, since: float = 0.0, until: float = inf) -> Rows:
        """What was said about a task's interactions at `since <= time < until`."""
        query = select(*rows.selected(Feedback, said)).join(log, log.c.id == said.c.interaction)
        query = query.where(log.c.task == task, said.c.time >= since).order_by(said.c.time, said.c.seq)
        if until != inf:
            query = query.where(said.c.time < until)
        with self._database.read() as connection:
            return [rows.noun(Feedback, row) for row in connection.execute(query)]

    def newest(self, task: str) -> float:
        """Time of the newest statement about a task's interactions, in seconds since 1970; 0 where there is none."""
        query = select(func.max(said.c.time)).join(log, log.c.id == said.c.interaction).where(log.c.task == task)
        with self._database.read() as connection:
            return float(connection.execute(query).scalar() or 0.0)


def _must_exist(connection: Connection, ids: set[str]) -> None:
    for chunk in rows.chunks(ids):
        there = connection.execute(select(log.c.id).where(log.c.id.in_(chunk))).scalars()
        if missing := sorted(set(chunk) - set(there)):
            some = ", ".join(f"'{id}'" for id in missing[:3])
            raise NotFound(
                f"feedback about {len(missing)} unknown interaction{'s' * (len(missing) > 1)}: {some}",
                where="table interactions",
                fix="use the `id` that the reply carried",
            )
