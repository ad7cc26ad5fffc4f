"""Brings a database, empty or old, to the tables of this version of Homeostat."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from homeostat.errors import StoreUnreachable
from homeostat.store.database import Database

_LOCK = 4_815_162_342
"""Key of the advisory lock under which PostgreSQL is migrated; any number that nobody else takes."""
_ONE = threading.Lock()
"""Held while revisions run: alembic has one stage for the whole process, on which threads would meet."""


@cache
def scripts() -> ScriptDirectory:
    """The revisions that ship with the package. Read once a process: it takes as long as opening a store besides."""
    folder = Path(__file__).parent / "migrations"
    return ScriptDirectory(str(folder), version_locations=[str(folder)])


def upgrade(database: Database) -> None:
    """Run every revision the database has not seen, all in one transaction; safe when several processes or threads do
    it at once.

    Raises:
        StoreUnreachable: the database was written by a newer Homeostat.
    """
    known = scripts()
    with database.read() as connection:
        if _revision(connection) == known.get_current_head():
            return
    with database.write() as connection:
        if not database.is_sqlite:  # SQLite's write transactions exclude each other anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _run(connection, known)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run(connection: Connection, known: ScriptDirectory) -> None:
    context = MigrationContext.configure(connection)
    try:
        steps = list(known.iterate_revisions("head", context.get_current_revision() or "base"))
    except (CommandError, RevisionError):
        raise StoreUnreachable(
            f"the database is of revision {context.get_current_revision()}, which this Homeostat does not know",
            fix="a newer Homeostat wrote it: upgrade homeostat",
        ) from None
    with _ONE, Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(known, step.revision)
