"""Which blobs nothing points to, and how they are removed. What is in doubt stays.

A blob is pointed to if its hash stands anywhere in a row: in a noun, a state, an event, the audit log. That is more
than what is meant to point (a hash in a sentence counts too), and never less. A blob younger than a day stays, for its
row may be about to be written; so does one that is stored again meanwhile, which makes it young.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from homeostat.errors import NotFound
from homeostat.store import seals
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database
from homeostat.store.tables import feedback, interactions, lineage

YOUNG_S = 86_400.0
"""Age under which a blob stays in any case."""
_HASH = re.compile("[0-9a-f]{64}")
_NONE = (interactions, feedback, lineage)
"""Tables whose rows name no blobs; what users write must not keep any alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What was removed, or would be."""

    blobs: tuple[str, ...]
    folders: tuple[str, ...]
    """Copies of stored folders, laid out to be loaded; another is laid out where one is wanted."""
    bytes: int
    kept: int
    """Blobs that stay."""


def collect(database: Database, blobs: Blobs, *, dry_run: bool, now: float | None = None) -> Garbage:
    """Remove blobs that nothing points to, and laid out folders of none; only say which in a dry run.

    Raises:
        Tampered: the database's file is damaged; nothing is removed.
    """
    before = (time.time() if now is None else now) - YOUNG_S
    with database.read() as connection:
        wanted = _with_parts(blobs, set(_named(connection)))
    every = list(blobs.hashes())
    old = [hash for hash in every if hash not in wanted and blobs.stored_at(hash) < before]
    staying = wanted | set(every) - set(old)
    laid = [name for name in blobs.laid_out() if name not in staying]
    size = sum(blobs.size(hash) for hash in old)
    if not dry_run:
        for hash in old:
            blobs.remove(hash, before)
        for name in laid:
            blobs.remove_laid_out(name)
    return Garbage(blobs=tuple(old), folders=tuple(laid), bytes=size, kept=len(every) - len(old))


def _named(connection: Connection) -> Iterator[str]:
    """Every hash that stands in a row."""
    for table in seals.SEALED:
        if table not in _NONE:
            for row in seals.raw_rows(connection, table):
                yield from _HASH.findall(" ".join(str(row[name]) for name in seals.covered(table)))


def _with_parts(blobs: Blobs, wanted: set[str]) -> set[str]:
    """The same with the files of those that are lists of a folder's files."""
    found = set(wanted)
    for hash in wanted & set(blobs.hashes()):
        try:
            found |= set(blobs.files(hash).values())
        except NotFound:  # a file
            continue
    return found
