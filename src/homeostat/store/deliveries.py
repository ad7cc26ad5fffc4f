"""The outbox: what is to be sent, through which channel, and how far it has come.

A row is written with its alert and is there until it is sent or given up, whatever becomes of the process that sends.
A try is written down before it begins, so that a process that dies in the middle of one has used it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from homeostat.store.database import Database
from homeostat.store.missing import not_found
from homeostat.store.tables import deliveries
from homeostat.types.delivery import Delivery, Post

Some: TypeAlias = list[Delivery]
_NAMES = [entry.name for entry in fields(Delivery)]
_COLUMNS = [deliveries.c[name] for name in _NAMES]


def hand_over(database: Database, connection: Connection, new: Iterable[Delivery]) -> None:
    """Put deliveries into the outbox, in a transaction that is open already; one that is there stays as it is."""
    values = [{name: getattr(one, name) for name in _NAMES} for one in new]
    if values:
        connection.execute(database.insert(deliveries).on_conflict_do_nothing(), values)


class Deliveries:
    """The part of the store that holds the outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Delivery:
        """The delivery of this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(deliveries.c.id == id)).mappings().one_or_none()
            if row is None:
                raise not_found(connection, deliveries, "dlv", id)
        return Delivery(**row)

    def list(self, *, alert: str = "", state: Post | None = None, limit: int | None = None) -> Some:
        """Deliveries of one alert, or of all, in one state, or in any, oldest first; the newest `limit` of them."""
        query = select(*_COLUMNS).order_by(deliveries.c.seq.desc()).limit(limit)
        if alert:
            query = query.where(deliveries.c.alert == alert)
        if state:
            query = query.where(deliveries.c.state == state)
        with self._database.read() as connection:
            return [Delivery(**row) for row in reversed(connection.execute(query).mappings().all())]

    def due(self, channel: str, now: float, limit: int = 10) -> Some:
        """Those of a channel that wait and whose time has come, the longest due first."""
        mine = (deliveries.c.channel == channel, deliveries.c.state == Post.WAITING, deliveries.c.due <= now)
        query = select(*_COLUMNS).where(*mine).order_by(deliveries.c.due, deliveries.c.seq).limit(limit)
        with self._database.read() as connection:
            return [Delivery(**row) for row in connection.execute(query).mappings()]

    def begin(self, one: Delivery, *, again: float) -> bool:
        """Write down that a try begins, and when the next may if nothing more is heard of it.

        False where the row is not as it was read: somebody else has begun, or ended it.
        """
        seen = (deliveries.c.id == one.id, deliveries.c.state == Post.WAITING, deliveries.c.tries == one.tries)
        with self._database.write() as connection:
            done = connection.execute(deliveries.update().where(*seen).values(tries=one.tries + 1, due=again))
        return bool(done.rowcount)

    def end(self, id: str, **values: Any) -> None:
        """Write down how a try ended: `state`, `problem`, `due`, `sent`."""
        with self._database.write() as connection:
            connection.execute(deliveries.update().where(deliveries.c.id == id).values(**values))

    def retry(self, id: str) -> Delivery:
        """Let one that was given up be tried anew, at once and as often as the first time; others stay as they are.

        Raises:
            NotFound: there is none of this id.
        """
        dead = (deliveries.c.id == id, deliveries.c.state == Post.DEAD)
        with self._database.write() as connection:
            connection.execute(deliveries.update().where(*dead).values(state=Post.WAITING, tries=0, due=0.0))
        return self.get(id)

    def strand(self, channels: Sequence[str], problem: str) -> int:
        """Give up what waits for a channel that is none of these; how many that was."""
        lost = (deliveries.c.state == Post.WAITING, deliveries.c.channel.not_in(channels))
        with self._database.write() as connection:
            done = connection.execute(deliveries.update().where(*lost).values(state=Post.DEAD, problem=problem))
        return int(done.rowcount)

    def counts(self) -> dict[tuple[str, Post], int]:
        """(channel, state) -> how many."""
        kinds = (deliveries.c.channel, deliveries.c.state)
        with self._database.read() as connection:
            found = connection.execute(select(*kinds, func.count()).group_by(*kinds).order_by(*kinds)).all()
        return {(channel, state): n for channel, state, n in found}
