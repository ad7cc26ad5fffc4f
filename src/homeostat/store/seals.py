"""Seals: beside every row the SHA-256 of what the database holds of it, so that a changed byte shows.

A seal is taken of the raw values, those that travel to the database and come back from it, and not of what Python makes
of them: two JSON texts that mean the same are not the same bytes. It finds damage and careless hands. Whoever writes a
row and its seal anew is found by the chain of `audit`, as long as its head is kept elsewhere.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Double, LargeBinary, Table, select, type_coerce
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import NULLTYPE

from homeostat.store import tables
from homeostat.store.columns import Real

SEALED = tuple(table for table in tables.METADATA.sorted_tables if "seal" in table.c)
"""The tables whose rows have seals: all but the outbox, of which only the state of sending changes."""
_AT_ONCE = 1_000
"""Rows that are fetched at once."""


def sealed(table: Table, values: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The values of a whole row, as they are given to an insert, with their seal."""
    raw = [(name, bound(values[name])) for name, bound in _bound(table, dialect)]
    return {**values, "seal": of_raw(table.name, raw)}


def of_raw(table: str, row: list[tuple[str, Any]]) -> str:
    """The seal of a row: (column, raw value) of everything that it covers, in the order of the table."""
    digest = hashlib.sha256(table.encode())
    for name, value in row:
        kind, content = _content(value)
        digest.update(b"%s %s %d\n" % (name.encode(), kind, len(content)))
        digest.update(content)
    return digest.hexdigest()


def covered(table: Table) -> list[str]:
    """The columns that a seal covers. The order of arrival is the database's own to count, but in the audit log."""
    outside = {"seal"} if table is tables.audit else {"seal", "seq"}
    return [column.name for column in table.c if column.name not in outside]


def raw_rows(connection: Connection, table: Table) -> Iterator[Mapping[str, Any]]:
    """Every row of a table in order, with its values as the database gives them."""
    columns = [type_coerce(column, NULLTYPE).label(column.name) for column in table.c]
    query = select(*columns)
    query = query.order_by(table.c.seq) if "seq" in table.c else query
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query).mappings():
        yield dict(row)


def changed_rows(connection: Connection, table: Table) -> Iterator[str]:
    """A sentence for each row of a table that is not what was sealed."""
    names, keys = covered(table), [column.name for column in table.primary_key]
    named = ["id"] if "id" in table.c else keys
    try:
        for row in raw_rows(connection, table):
            if of_raw(table.name, [(name, row[name]) for name in names]) != row["seal"]:
                yield f"{table.name} {' '.join(str(row[key]) for key in named)} has changed since it was written"
    except (DatabaseError, UnicodeDecodeError) as problem:
        yield f"table {table.name} cannot be read: {str(getattr(problem, 'orig', problem)).splitlines()[0]}"


def _content(value: Any) -> tuple[bytes, bytes]:
    """A letter for the type of a raw value, and its bytes. SQLite knows one zero, so that is all there is here."""
    match value:
        case None:
            return b"n", b""
        case str():
            return b"s", value.encode("utf-8", "surrogatepass")
        case int():
            return b"i", str(value).encode()
        case float():
            return b"f", struct.pack(">d", value + 0.0)
        case bytes() | memoryview():
            return b"b", bytes(value)
    return b"?", repr(value).encode()  # nothing that a database gives, but perhaps an export that somebody wrote


@cache
def _bound(table: Table, dialect: Dialect) -> list[tuple[str, Callable[[Any], Any]]]:
    """Column -> what makes of a value what the database is given for it."""
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for name in covered(table):
        kind = table.c[name].type
        processor = None if isinstance(kind, LargeBinary) else kind.dialect_impl(dialect).bind_processor(dialect)
        found.append((name, _one(processor, number=isinstance(kind, Double | Real))))
    return found


def _one(processor: Callable[[Any], Any] | None, *, number: bool) -> Callable[[Any], Any]:
    def bound(value: Any) -> Any:
        made = processor(value) if processor else value
        return float(made) if number and made is not None else made

    return bound
