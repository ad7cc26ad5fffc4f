"""Whether the store still holds together: nothing points at nothing, counts add up, blobs are what they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, select, text, union_all

from homeostat.errors import NotFound, Tampered
from homeostat.store import tables
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
)
POINTERS = {
    tables.versions: ("dataset", "parent"),
    tables.reports: ("candidate", "champion"),
    tables.verdicts: ("report", "candidate"),
    tables.releases: ("champion", "candidate"),
}
"""Nouns -> their fields that hold an id. Those of signals, decisions and turns are edges, and checked as such."""
FILES = {tables.datasets: "blob", tables.versions: "blob", tables.reports: "rows", tables.verdicts: "artifact"}
"""Nouns -> their field that holds the hash of a blob."""


def problems(database: Database, blobs: Blobs) -> list[str]:
    """A sentence for each thing that is wrong; empty when all is well."""
    with database.read() as connection:
        return [
            *(_damage(connection) if database.is_sqlite else ()),
            *_dangling_rows(connection),
            *_dangling_fields(connection),
            *_wrong_files(connection, blobs),
            *_wrong_blobs(blobs),
        ]


def _damage(connection: Connection) -> Iterator[str]:
    for found in connection.execute(text("PRAGMA integrity_check")).scalars():
        if found != "ok":
            yield f"the database file is damaged: {found}"


def _dangling_rows(connection: Connection) -> Iterator[str]:
    known = union_all(*(select(table.c.id) for table in WITH_IDS)).subquery()
    shadow = interactions.c.role == Role.SHADOW
    checks = (
        ("feedback about", _without(feedback.c.interaction, interactions, interactions.c.id)),
        ("a shadow of", _without(interactions.c.of, interactions.alias("p"), None).where(shadow)),
        ("an interaction answered by", _without(interactions.c.version, tables.versions, tables.versions.c.id)),
        ("an interaction under configuration", _without(interactions.c.config, configs, configs.c.hash)),
        ("an alias of", _without(aliases.c.version, tables.versions, tables.versions.c.id)),
        ("lineage to", _without(lineage.c.parent, known, known.c.id)),
        ("lineage from", _without(lineage.c.child, known, known.c.id)),
    )
    for what, query in checks:
        for id, n in connection.execute(query):
            yield f"{what} '{id}', which is not there ({n} row{'s' * (n > 1)})"
