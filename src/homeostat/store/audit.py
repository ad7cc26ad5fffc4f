"""The audit log: who wrote what and when, each entry chained to the one before by its hash. Nothing here is changed.

An entry is written in the transaction of what it tells of, so neither is there without the other. It holds ids and
hashes and none of what users said: what is erased elsewhere need not be erased here. Its head, the seal of the newest
entry, kept anywhere else, fixes everything before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, desc, select

from homeostat.store import seals
from homeostat.store.database import Database
from homeostat.store.tables import aliases, audit

ERASED = "blob erased"
"""What is written of a file that was removed although rows name it."""
START = "0" * 64
"""What the first entry is chained to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; its seal covers all other fields."""

    seq: int
    """1, 2, 3 … without a gap."""
    time: float
    """When it was written, in seconds since 1970."""
    who: str
    """The user of the machine, or the part of Homeostat that did it."""
    what: str
    """What was written, e.g. `version live`, `release canary`, `alias`."""
    about: str
    """Id of what was written."""
    hash: str
    """Seal of its row as it was written then, or the hash of a file; empty where it was removed."""
    before: str
    """Seal of the entry before."""
    seal: str


Some: TypeAlias = list[Entry]


class Audit:
    """The part of the store that holds the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, what: str, about: str, hash: str) -> None:
        """Write an entry about something that is no row, such as a file that was written elsewhere."""
        with self._database.audited() as connection:
            append(self._database, connection, what, about, hash)

    def list(self, about: str = "", limit: int | None = None) -> Some:
        """The entries about an id, or all of them, oldest first; the newest `limit` of them if a limit is given."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if about:
            query = query.where(audit.c.about == about)
        with self._database.read() as connection:
            return [Entry(**row) for row in reversed(connection.execute(query).mappings().all())]

    def head(self) -> str:
        """Seal of the newest entry, which fixes all before it."""
        with self._database.read() as connection:
            return _newest(connection)[1]


def append(database: Database, connection: Connection, what: str, about: str, hash: str) -> None:
    """Add an entry in a transaction that `Database.audited` has opened."""
    seq, before = _newest(connection)
    values = {"seq": seq + 1, "time": time.time(), "who": database.who, "what": what, "about": about, "hash": hash}
    row = seals.sealed(audit, {**values, "before": before}, connection.dialect)
    connection.execute(audit.insert().values(row))


def breaks(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each place where a chain of entries does not hold; of raw rows, or of an export's lines."""
    names, seq, before = seals.covered(audit), 0, START
    for row in entries:
        if missing := [name for name in (*names, "seal") if name not in row]:
            yield f"audit: the entry after {seq} lacks {', '.join(missing)}"
            return
        if row["seq"] != seq + 1:
            yield f"audit: entry {seq + 1} is followed or replaced by {row['seq']}"
        if seals.of_raw(audit.name, [(name, row[name]) for name in names]) != row["seal"]:
            yield f"audit: entry {row['seq']} has changed since it was written"
        elif row["before"] != before:
            yield f"audit: entry {row['seq']} does not follow the one before it"
        seq, before = row["seq"], row["seal"]


def disagreements(connection: Connection, tables: Iterable[Table]) -> Iterator[str]:
    """A sentence for each noun and alias that is not the one that the audit log saw written last."""
    for table in tables:
        there = connection.execute(select(table.c.id, table.c.seal)).tuples()
        yield from _compared(connection, f"{table.name[:-1]} ", dict(there.all()))
    named = connection.execute(select(aliases.c.task, aliases.c.alias, aliases.c.seal)).tuples()
    yield from _compared(connection, "alias ", {place(task, alias): seal for task, alias, seal in named})


def place(task: str, alias: str) -> str:
    """What an entry about an alias, or a suite, names."""
    return f"{alias} of {task}"


def cards(connection: Connection) -> list[tuple[str, str]]:
    """(id, hash of the blob) of every card that was written."""
    query = select(audit.c.about, audit.c.hash).where(audit.c.what == "card").order_by(audit.c.seq)
    return list(connection.execute(query).tuples().all())


def erased(connection: Connection) -> set[str]:
    """The hashes of the blobs that were erased: whoever names one points to nothing, and rightly so."""
    return set(connection.execute(select(audit.c.about).where(audit.c.what == ERASED)).scalars())


def _compared(connection: Connection, begins: str, there: dict[str, str]) -> Iterator[str]:
    """Compare id -> seal of what is there with the newest entry about each."""
    query = select(audit.c.about, audit.c.hash).where(audit.c.what.like(f"{begins}%")).order_by(audit.c.seq)
    last = dict(connection.execute(query).tuples().all())
    for id, seal in there.items():
        if last.pop(id, "") != seal:
            yield f"{id} is not as the audit log saw it written last"
    yield from (f"{id} is in the audit log and no longer there" for id, hash in last.items() if hash)


def _newest(connection: Connection) -> tuple[int, str]:
    found = connection.execute(select(audit.c.seq, audit.c.seal).order_by(desc(audit.c.seq)).limit(1)).one_or_none()
    return (found[0], found[1]) if found else (0, START)
