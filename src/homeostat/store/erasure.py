"""Erasing from the rows: taking them out, and leaving no trace of them in the database's own files.

What is left is sealed anew, and the audit log says that rows were erased, under the hash of their seals and with none
of their content: whoever holds a copy from before can show which they were.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import DBAPIError

from homeostat.store import audit, seals, tables
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database
from homeostat.store.needles import Needles
from homeostat.store.rows import CHUNK, chunks
from homeostat.store.scrub import Scrub
from homeostat.store.tables import events, feedback, interactions, lineage, vectors
from homeostat.store.traces import Traces, of_user
from homeostat.store.unwrapped import Unwrapped

PATIENCE_S = 60.0
"""Seconds that readers and writers of other processes are waited for."""
_KEPT = (interactions, feedback, lineage, vectors, tables.audit, tables.configs, tables.aliases)
"""Tables whose values are not gone through: their rows go whole, or hold nothing that a user says."""
_PLAIN = ("seq", "id", "time", "seal", "key", "hash", "task")
"""Columns that name a row, and say nothing of it."""


class Erasure:
    """The part of the store that erases."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def traces(self, user: str, also: Collection[str] = ()) -> Traces:
        """What is this user's, and `also` the rows of these ids and what else has these texts. Nothing is changed."""
        with self._database.read() as connection:
            return of_user(connection, user, also)

    def forget(self, traces: Traces) -> int:
        """Take the rows out, and what names them or says the same out of every other; how many were changed or gone.

        In one transaction: all of it, or nothing. Doing it again finds what has come since.

        Raises:
            StoreFull: the disk is full; nothing has changed.
        """
        scrub = Scrub({*traces.interactions, *traces.feedback}, Needles.of(traces.sought), traces.user)
        with self._database.read() as connection:
            touched = [(table, key) for table in _others() for key in _touched(connection, table, scrub)]
        with self._database.audited() as connection:
            if self._database.is_sqlite:  # what is deleted is overwritten, in this transaction already
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            digest = hashlib.sha256("".join(_seals(connection, traces)).encode()).hexdigest()
            changed = sum(self._rid(connection, table, key, scrub) for table, key in touched)
            gone = _remove(connection, traces)
            if gone or changed:
                audit.append(self._database, connection, f"erasure, {gone} rows", traces.name, digest)
        return gone + changed

    def orphans(self) -> int:
        """Remove copies of requests that are no longer there; a gateway may have been answering one meanwhile."""
        there = select(interactions.alias().c.id)
        lost = (interactions.c.of != "", interactions.c.of.not_in(there))
        with self._database.audited() as connection:
            ids = list(connection.execute(select(interactions.c.id).where(*lost)).scalars())
            return _remove(connection, Traces(user="", interactions=frozenset(ids))) if ids else 0

    def blobs_with(self, texts: Collection[str], kept: Collection[str] = ()) -> list[str]:
        """Every blob in which one of these texts is, packed or not, but for those that are kept in any case."""
        needles = Needles.of(texts)
        others = (hash for hash in self._blobs.hashes() if hash not in kept)
        return [hash for hash in others if needles and needles.found(Unwrapped().file(self._blobs.path(hash)))]

    def said(self) -> Iterator[str]:
        """Everything that the log holds of what was asked, replied and said."""
        with self._database.read() as connection:
            asked = select(interactions.c.text, interactions.c.reply)
            for row in connection.execution_options(yield_per=CHUNK).execute(asked):
                yield from row
            yield from connection.execute(select(feedback.c.value)).scalars()

    def remove_blobs(self, hashes: Iterable[str]) -> int:
        """Remove files, and copies that were laid out of them, for good; how many there were. That they are meant to be
        missing stands in the audit log before they are.
        """
        there = [hash for hash in dict.fromkeys(hashes) if self._blobs.holds(hash)]
        for hash in there:
            with self._database.audited() as connection:
                audit.append(self._database, connection, audit.ERASED, hash, "")
            self._blobs.erase(hash)
        return len(there)

    def clean(self, patience_s: float = PATIENCE_S) -> str:
        """Write the database's files anew without what was deleted; why that could not be done, or nothing.

        Others may go on reading and writing. Their transactions are waited for.
        """
        return self._clean_sqlite(patience_s) if self._database.is_sqlite else self._clean_postgres(patience_s)

    def _rid(self, connection: Connection, table: Table, key: Any, scrub: Scrub) -> bool:
        """Rid one row of what is gone, seal it, and note it if it is a noun; whether it was still there."""
        named = next(iter(table.primary_key.columns))
        row = connection.execute(select(table).where(named == key)).mappings().one_or_none()
        if row is None:
            return False
        if table is events and scrub.about(row["values"]):
            connection.execute(table.delete().where(named == key))
            return True
        values = {name: value if name in _PLAIN else scrub.value(value) for name, value in row.items()}
        if "seal" in table.c:
            del values["seal"]
            values = seals.sealed(table, values, connection.dialect)
        connection.execute(table.update().where(named == key).values(values))
        if "id" in table.c and "seal" in table.c:
            audit.append(self._database, connection, f"{table.name[:-1]} rid of erased rows", row["id"], values["seal"])
        return True

    def _clean_sqlite(self, patience_s: float) -> str:
        raw = self._database.engine.raw_connection()
        try:
            connection: Any = raw.driver_connection
            connection.execute("PRAGMA secure_delete=ON")
            return _patiently(lambda: _vacuumed(connection), patience_s)
        finally:
            raw.close()

    def _clean_postgres(self, patience_s: float) -> str:
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"SET lock_timeout = '{max(1, round(patience_s))}s'")
            try:
                for table in tables.METADATA.sorted_tables:
                    connection.exec_driver_sql(f'VACUUM (FULL) "{table.name}"')
            except DBAPIError as busy:
                return f"table {table.name} is in use: {str(busy.orig).splitlines()[0]}"
            finally:
                connection.exec_driver_sql("RESET lock_timeout")
        return ""


def _others() -> list[Table]:
    return [table for table in tables.METADATA.sorted_tables if table not in _KEPT]


def _touched(connection: Connection, table: Table, scrub: Scrub) -> Iterator[Any]:
    """The key of every row of a table in which something is to go."""
    key = next(iter(table.primary_key.columns)).name
    for row in seals.raw_rows(connection, table):
        if any(isinstance(value, str) and name not in _PLAIN and scrub.touches(value) for name, value in row.items()):
            yield row[key]


def _seals(connection: Connection, traces: Traces) -> Iterator[str]:
    """The seals of the rows that go, in the order of their ids."""
    for table, ids in ((interactions, traces.interactions), (feedback, traces.feedback)):
        for some in chunks(ids):
            query = select(table.c.seal).where(table.c.id.in_(some)).order_by(table.c.id)
            yield from connection.execute(query).scalars()


def _remove(connection: Connection, traces: Traces) -> int:
    """Remove rows and the edges that name them; how many rows."""
    gone = 0
    for some in chunks({*traces.interactions, *traces.feedback}):
        for end in (lineage.c.parent, lineage.c.child):
            connection.execute(lineage.delete().where(end.in_(some)))
    for some in chunks(traces.interactions):  # also what was said of them since they were looked at
        gone += connection.execute(feedback.delete().where(feedback.c.interaction.in_(some))).rowcount
    for some in chunks(traces.feedback):
        gone += connection.execute(feedback.delete().where(feedback.c.id.in_(some))).rowcount
    for some in chunks(traces.interactions):
        connection.execute(vectors.delete().where(vectors.c.interaction.in_(some)))
        gone += connection.execute(interactions.delete().where(interactions.c.id.in_(some))).rowcount
    return gone


def _vacuumed(connection: Any) -> str:
    """Rewrite SQLite's file and cut its log off; why not, or nothing."""
    connection.execute("VACUUM")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return "another process is reading the database" if busy else ""


def _patiently(work: Callable[[], str], patience_s: float) -> str:
    """Do the work until it succeeds or patience ends; why it did not, or nothing."""
    until = time.monotonic() + patience_s
    while True:
        try:
            why = work()
        except sqlite3.OperationalError as busy:  # locked, or no space to write it anew
            why = str(busy)
        if not why or time.monotonic() > until:
            return why
        time.sleep(0.2)
