"""Erasing a user from the rows: whose rows they are, taking them out, and leaving no trace in the database's own files.

A user's requests are those whose episode is the user (where `user` of the API goes), or that carry the user as the tag
`user`; copies of them, and what anybody said of them, go along. Statements whose source is the user go, about whomever.
Names are compared as they are: `ann` is neither `Ann` nor `anna`.

What is left is sealed anew, and the audit log says that rows were erased, under the hash of their seals and with none
of their content: whoever holds a copy from before can show which they were.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select
from sqlalchemy.exc import DBAPIError

from homeostat.store import audit, seals, tables
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database
from homeostat.store.needles import Needles
from homeostat.store.scrub import Scrub
from homeostat.store.tables import feedback, interactions, lineage
from homeostat.store.unwrapped import Unwrapped
from homeostat.types.feedback import FeedbackKind

CHUNK = 5_000
"""Values per query."""
PATIENCE_S = 60.0
"""Seconds that readers and writers of other processes are waited for."""
_KEPT = (interactions, feedback, lineage, tables.audit, tables.configs, tables.aliases)
"""Tables whose values are not gone through: their rows go whole, or hold nothing that a user says."""
_PLAIN = ("seq", "id", "time", "seal", "key", "hash", "task")
"""Columns that name a row, and say nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What is a user's own."""

    user: str
    matched: Mapping[str, int] = field(default_factory=dict)
    """How -> rows that are theirs for it: `episode`, `tag user`, `source`, and `copies` of these requests."""
    interactions: frozenset[str] = frozenset()
    feedback: frozenset[str] = frozenset()
    """Statements about their requests, whoever made them, and theirs about those of others."""
    taught: frozenset[str] = frozenset()
    """Requests of others of which they said what the reply should have been."""
    texts: frozenset[str] = frozenset()
    """What they asked, said and were replied, word by word, as far as nobody else's row says the same."""
    shared: int = 0
    """Texts of theirs that others have said too, or that have fewer than 8 letters: nobody can tell whose one is."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.interactions or self.feedback or self.texts)

    @property
    def name(self) -> str:
        """What stands for them where something is kept: a hash."""
        return "usr_" + hashlib.sha256(self.user.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Erasure:
    """The part of the store that erases."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def traces(self, user: str, also: Collection[str] = ()) -> Traces:
        """What is this user's, and `also` the rows of these ids and what else has these texts. Nothing is changed."""
        with self._database.read() as connection:
            mine = dict(_requests(connection, user, also))
            mine |= {id: "copies" for id in _copies(connection, mine) if id not in mine}
            said = dict(_statements(connection, user, mine, also))
            texts = _texts(connection, mine, said) | {text for text in also if not text.startswith(("int_", "fbk_"))}
            theirs = texts & _elsewhere(connection, texts, mine, said) - set(also)
        matched = Counter(mine.values()) + Counter("source" for _, about, own, _ in said.values() if own)
        truths = {about for _, about, own, truth in said.values() if own and truth and about not in mine}
        return Traces(
            user=user,
            matched=dict(matched),
            interactions=frozenset(mine),
            feedback=frozenset(said),
            taught=frozenset(truths),
            texts=frozenset(texts - theirs),
            shared=len(theirs),
        )

    def forget(self, traces: Traces) -> int:
        """Take the rows out, and what names them or says the same out of every other; how many were changed or gone.

        In one transaction: all of it, or nothing. Doing it again finds what has come since.

        Raises:
            StoreFull: the disk is full; nothing has changed.
        """
        scrub = Scrub({*traces.interactions, *traces.feedback}, Needles.of(traces.texts), traces.user)
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


def _requests(connection: Connection, user: str, also: Collection[str]) -> Iterator[tuple[str, str]]:
    """(id, how it is theirs)."""
    if user:
        # The tag is looked for among rows that have its letters anywhere: no database is asked to read JSON.
        within = func.instr if connection.dialect.name == "sqlite" else func.strpos
        near = within(interactions.c.tags, json.dumps(user)) > 0
        query = select(interactions.c.id, interactions.c.episode, interactions.c.tags)
        for id, episode, tags in connection.execute(query.where(or_(interactions.c.episode == user, near))):
            if episode == user or tags.get("user") == user:
                yield id, "episode" if episode == user else "tag user"
    for chunk in _chunks(also):
        named = or_(interactions.c.id.in_(chunk), interactions.c.text.in_(chunk))
        for id in connection.execute(select(interactions.c.id).where(named)).scalars():
            yield id, "named"


def _copies(connection: Connection, ids: Collection[str]) -> Iterator[str]:
    for chunk in _chunks(ids):
        yield from connection.execute(select(interactions.c.id).where(interactions.c.of.in_(chunk))).scalars()


def _statements(
    connection: Connection, user: str, mine: Collection[str], also: Collection[str]
) -> Iterator[tuple[str, tuple[str, str, bool, bool]]]:
    """Id -> (value, the request, whether the user said it, whether it says the right reply)."""
    said = feedback.c
    conditions: list[ColumnElement[bool]] = [said.interaction.in_(chunk) for chunk in _chunks(mine)]
    conditions += [said.id.in_(chunk) for chunk in _chunks(also)]
    conditions += [said.source == user] if user else []
    for condition in conditions:
        query = select(said.id, said.value, said.interaction, said.source, said.kind).where(condition)
        for id, value, about, source, kind in connection.execute(query):
            truth = kind in (FeedbackKind.LABEL, FeedbackKind.CORRECTION, FeedbackKind.RATING)
            own = (source == user and bool(user)) or id in also
            yield id, (value if kind is not FeedbackKind.RATING else "", about, own, truth)


def _texts(connection: Connection, mine: Collection[str], said: Mapping[str, tuple[str, str, bool, bool]]) -> set[str]:
    found = {value.strip() for value, _, _, _ in said.values()}
    for chunk in _chunks(mine):
        query = select(interactions.c.text, interactions.c.reply).where(interactions.c.id.in_(chunk))
        found |= {text.strip() for row in connection.execute(query) for text in row}
    return found - {""}


def _elsewhere(connection: Connection, texts: set[str], mine: Collection[str], said: Collection[str]) -> set[str]:
    """Those of the texts that stand in what somebody else has said or was replied, or in a version's labels."""
    needles = Needles.of(texts)

    def others() -> Iterator[bytes]:
        asked = select(interactions.c.id, interactions.c.text, interactions.c.reply)
        for id, *words in connection.execution_options(yield_per=CHUNK).execute(asked):
            yield _line(words) if id not in mine else b""
        for id, value in connection.execute(select(feedback.c.id, feedback.c.value)):
            yield _line([value]) if id not in said else b""
        for body in connection.execute(select(tables.versions.c.body)).scalars():
            yield _line(body["labels"])

    short = texts - set(needles.texts)
    return needles.found(others()) | short


def _line(words: Collection[str]) -> bytes:
    return "\x00".join([*words, ""]).encode("utf-8", "surrogatepass")


def _touched(connection: Connection, table: Table, scrub: Scrub) -> Iterator[Any]:
    """The key of every row of a table in which something is to go."""
    key = next(iter(table.primary_key.columns)).name
    for row in seals.raw_rows(connection, table):
        if any(isinstance(value, str) and name not in _PLAIN and scrub.touches(value) for name, value in row.items()):
            yield row[key]


def _seals(connection: Connection, traces: Traces) -> Iterator[str]:
    """The seals of the rows that go, in the order of their ids."""
    for table, ids in ((interactions, traces.interactions), (feedback, traces.feedback)):
        for chunk in _chunks(ids):
            query = select(table.c.seal).where(table.c.id.in_(chunk)).order_by(table.c.id)
            yield from connection.execute(query).scalars()


def _remove(connection: Connection, traces: Traces) -> int:
    """Remove rows and the edges that name them; how many rows."""
    gone = 0
    for chunk in _chunks({*traces.interactions, *traces.feedback}):
        for end in (lineage.c.parent, lineage.c.child):
            connection.execute(lineage.delete().where(end.in_(chunk)))
    for chunk in _chunks(traces.interactions):  # also what was said of them since they were looked at
        gone += connection.execute(feedback.delete().where(feedback.c.interaction.in_(chunk))).rowcount
    for chunk in _chunks(traces.feedback):
        gone += connection.execute(feedback.delete().where(feedback.c.id.in_(chunk))).rowcount
    for chunk in _chunks(traces.interactions):
        gone += connection.execute(interactions.delete().where(interactions.c.id.in_(chunk))).rowcount
    return gone


def _chunks(values: Collection[str]) -> Iterator[list[str]]:
    every = sorted(set(values))
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


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
