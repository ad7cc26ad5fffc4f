"""Connections to SQLite or PostgreSQL: how they are opened, and what their failures are called."""

from __future__ import annotations

import getpass
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from homeostat.errors import StoreFull, StoreUnreachable, Tampered
from homeostat.extras import require

BUSY_S = 30
"""Seconds a connection waits for another process's transaction."""
# A full disk shows as FULL; a quota or a limit on the size of a file as a failed write or a failed growth of -shm.
_SQLITE_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_SQLITE_SHUT = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY}
_POSTGRES_FULL = "53100"
_CHAIN = 4_815_162_343
"""Key of the advisory lock under which PostgreSQL's audit log grows; any number that nobody else takes."""


class Database:
    """An engine and its two kinds of transaction."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self.who = _user()
        """Who stands in the audit log for what is written here."""

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; otherwise it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the database and changes nothing.

        Raises:
            StoreUnreachable: the database cannot be opened.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and has changed nothing if the block raises.

        Raises:
            StoreFull: the disk is full.
            StoreUnreachable: the database cannot be opened.
        """
        # On SQLite the write lock is taken at once (`_begin`): a transaction that reads first and asks for it later
        # cannot wait for its turn, it fails.
        writing = self.engine.execution_options(writes=True)
        with self._translated(), writing.begin() as connection:
            yield connection

    @contextmanager
    def audited(self) -> Iterator[Connection]:
        """A transaction as `write`, in which the audit log may grow: one at a time.

        Raises as `write` does.
        """
        with self.write() as connection:
            # SQLite's write transactions exclude each other anyway. The lock comes before any row's, so that two
            # transactions cannot wait for each other.
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN})
            yield connection

    def insert(self, table: Table) -> Any:
        """An insert of this database's dialect, for its `on_conflict_do_…`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            named = self._named(problem)
            if named is None:
                raise
            raise named from problem

    def _named(self, problem: DBAPIError) -> StoreFull | StoreUnreachable | Tampered | None:
        """The house's name for a failure of the database; None for a failure of ours."""
        where = self.url.render_as_string(hide_password=True)
        code = getattr(problem.orig, "sqlite_errorcode", None)
        state = getattr(problem.orig, "sqlstate", None)
        if code in _SQLITE_FULL or state == _POSTGRES_FULL:
            return StoreFull(
                "the disk takes no more rows", where=where, fix="free some space; nothing stored has changed"
            )
        if code is not None and code & 0xFF == sqlite3.SQLITE_CORRUPT:
            reason = str(problem.orig).strip().splitlines()[0]
            return Tampered(f"the database file is damaged: {reason}", where=where, fix="restore a backup")
        lost = problem.connection_invalidated or (code is None and state is None and _is_operational(problem))
        if code in _SQLITE_SHUT or lost:
            reason = str(problem.orig).strip().splitlines()[0]
            return StoreUnreachable(f"the database cannot be used: {reason}", where=where, fix=_way_in(code))
        return None


def _way_in(code: int | None) -> str:
    """What to do about a database that does not let one in; `code` is SQLite's, None for a server."""
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return "make the file and its folder writable for whom Homeostat runs as, or give `folder` another place"
    return "check `store.url`"


def _user() -> str:
    """The user of this machine, by number where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _is_operational(problem: DBAPIError) -> bool:
    return type(problem.orig).__name__ == "OperationalError"


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        backend = ""
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if backend in ("postgresql", "postgres"):
        require("psycopg", "to keep the store in PostgreSQL", extra="postgres")
        return parsed.set(drivername="postgresql+psycopg")
    # The URL itself may hold a password, so it is not repeated.
    raise StoreUnreachable(
        "store.url is not the URL of a database file or server",
        fix="sqlite:///path/to/homeostat.db or postgresql://user:password@host/name",
    )


def _postgres_engine(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True)


def _sqlite_engine(url: URL) -> Engine:
    folder = Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreUnreachable(
            f"cannot make the folder of the database: {problem.strerror}", where=str(folder)
        ) from None
    engine = create_engine(url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # Python's driver would begin transactions on its own, and only before some statements; we begin them (`_begin`).
    connection.isolation_level = None
    _switch_to_wal(connection)
    # FULL: a commit returns when the log is on the disk, so what was acknowledged survives the power cut too.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Write-ahead log, so that readers and a writer do not wait for each other. Once per file; the file remembers."""
    give_up = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as busy:
            # SQLite does not wait here when two processes create the file at once.
            if busy.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
