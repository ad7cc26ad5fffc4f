"""Whether the store still holds together: rows and blobs are as they were written, references and counts hold.

Content is what a person or a program could read out of the store: every value of every row but those of the outbox, and
every byte of every blob and of the folders laid out for use. Bytes that hold nothing, such as the free space in a
database's pages, are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, text, union_all
from sqlalchemy.exc import DatabaseError

from homeostat.errors import NotFound, Tampered
from homeostat.store import audit, seals, tables
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database
from homeostat.store.tables import aliases, configs, feedback, interactions, lineage
from homeostat.types.interaction import Role

WITH_IDS = (
    tables.interactions,
    tables.feedback,
    tables.signals,
    tables.decisions,
    tables.datasets,
    tables.versions,
    tables.reports,
    tables.verdicts,
    tables.releases,
    tables.turns,
    tables.alerts,
    tables.silences,
)
POINTED_AT = (tables.datasets, tables.versions, tables.reports)
POINTERS = {
    tables.versions: ("dataset", "parent"),
    tables.reports: ("candidate", "champion"),
    tables.verdicts: ("report", "candidate"),
    tables.releases: ("champion", "candidate"),
}
"""Nouns -> their fields that hold an id. Those of signals, decisions and turns are edges, and checked as such."""
FILES = {tables.datasets: "blob", tables.versions: "blob", tables.reports: "rows", tables.verdicts: "artifact"}
"""Nouns -> their field that holds the hash of a blob."""


NOUNS = WITH_IDS[2:]
"""Those of which the audit log tells."""


def problems(database: Database, blobs: Blobs) -> list[str]:
    """A sentence for each thing that is wrong; empty when all is well."""
    try:
        with database.read() as connection:
            if database.is_sqlite and (damage := _damage(connection)):
                return damage  # what else such a file says is not worth asking
            if changed := list(_changed(connection)):
                return [*changed, *_wrong_blobs(blobs)]  # nor what a changed row names
            return [
                *_dangling_rows(connection),
                *_dangling_fields(connection),
                *_wrong_files(connection, blobs),
                *_wrong_blobs(blobs),
            ]
    except Tampered as problem:
        return [problem.what]


def _changed(connection: Connection) -> Iterator[str]:
    """Rows that are not as they were written, breaks of the audit log, and what it saw and is not there."""
    found = False
    for table in seals.SEALED:
        for problem in seals.changed_rows(connection, table):
            found = True
            yield problem
    if not found:
        yield from audit.breaks(seals.raw_rows(connection, tables.audit))
        yield from audit.disagreements(connection, NOUNS)


def _damage(connection: Connection) -> list[str]:
    try:
        found = connection.execute(text("PRAGMA integrity_check")).scalars().all()
    except DatabaseError as problem:
        found = [str(problem.orig)]
    return [f"the database file is damaged: {line}" for line in found if line != "ok"]


def _dangling_rows(connection: Connection) -> Iterator[str]:
    known = union_all(*(select(table.c.id) for table in WITH_IDS)).subquery()
    checks = (
        ("feedback about", _absent(feedback.c.interaction, interactions.c.id)),
        ("a shadow of", _absent(interactions.c.of, interactions.alias().c.id)),
        ("an interaction answered by", _absent(interactions.c.version, tables.versions.c.id)),
        ("an interaction under configuration", _absent(interactions.c.config, configs.c.hash)),
        ("an alias of", _absent(aliases.c.version, tables.versions.c.id)),
        ("a delivery of", _absent(tables.deliveries.c.alert, tables.alerts.c.id)),
        ("lineage to", _absent(lineage.c.parent, known.c.id)),
        ("lineage from", _absent(lineage.c.child, known.c.id)),
    )
    for what, query in checks:
        for id, n in connection.execute(query):
            yield f"{what} '{id}', which is not there ({n} row{'s' * (n > 1)})"
    missing = select(interactions.c.id).where(interactions.c.role == Role.SHADOW, interactions.c.of == "")
    for id in connection.execute(missing).scalars():
        yield f"'{id}' is a shadow of nothing"


def _absent(column: ColumnElement[str], there: ColumnElement[str]) -> Select[str, int]:
    """Values of a column that are not there, each with its number of rows; empty stands for nothing on purpose."""
    return select(column, func.count()).where(column != "", column.not_in(select(there))).group_by(column)


def _dangling_fields(connection: Connection) -> Iterator[str]:
    known = set(connection.execute(union_all(*(select(table.c.id) for table in POINTED_AT))).scalars())
    for table, names in POINTERS.items():
        for id, body in connection.execute(select(table.c.id, table.c.body)):
            for name in names:
                if body[name] and body[name] not in known:
                    yield f"{id} names {name} '{body[name]}', which is not there"


def _wrong_files(connection: Connection, blobs: Blobs) -> Iterator[str]:
    there = set(blobs.hashes()) | audit.erased(connection)
    for id, hash in audit.cards(connection):
        if hash not in there:
            yield f"{id} has a card {hash}, which is not there"
    for table, name in FILES.items():
        for id, body in connection.execute(select(table.c.id, table.c.body)):
            if body[name] and body[name] not in there:
                yield f"{id} names blob {body[name]}, which is not there"
            elif table is tables.versions and body[name]:
                yield from _missing_parts(id, body[name], blobs, there)
            elif table is tables.datasets:
                yield from _wrong_count(id, body, blobs)


def _missing_parts(id: str, hash: str, blobs: Blobs, there: set[str]) -> Iterator[str]:
    with suppress(NotFound, Tampered):  # a plain file has no parts; a changed list is told of with the blobs
        for name, part in blobs.files(hash).items():
            if part not in there:
                yield f"{id} needs file {name}, whose blob {part} is not there"


def _wrong_count(id: str, body: dict[str, Any], blobs: Blobs) -> Iterator[str]:
    """The last of a dataset's counts is the number of examples that it holds, a line each."""
    with suppress(NotFound, Tampered):
        lines = sum(chunk.count(b"\n") for chunk in blobs.chunks(body["blob"]))
        counted = next(reversed(body["counts"].values()), lines)
        if counted != lines:
            yield f"{id} counts {counted} examples but holds {lines}"


def _wrong_blobs(blobs: Blobs) -> Iterator[str]:
    for hash in blobs.hashes():
        try:
            for _ in blobs.chunks(hash):
                pass
        except (NotFound, Tampered) as problem:
            yield problem.what
    yield from (f"the laid out folder {hash} is not what was stored" for hash in blobs.changed_folders())
