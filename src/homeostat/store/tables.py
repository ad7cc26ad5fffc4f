"""Every table, declared once for SQLite and PostgreSQL. A change here needs a revision in `migrations`, by test.

What there is much of (interactions, feedback) has a column per field; the other nouns, a row or two per turn, are
kept whole in `body` beside what they are looked up by. `seq` is the order in which rows came.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from homeostat.store.columns import Choice, Json, Real, Serial, Words
from homeostat.types.delivery import Post
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Role

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _seal() -> Column[str]:
    """SHA-256 of the row, as text of hexadecimal digits."""
    return Column("seal", Text, nullable=False, server_default="")


interactions = Table(
    "interactions",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("task", Words, nullable=False),
    Column("time", Double, nullable=False),
    Column("text", Words, nullable=False),
    Column("reply", Words, nullable=False),
    Column("version", Words, nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("of", Words, nullable=False),
    Column("episode", Words, nullable=False),
    Column("probability", Real),
    Column("confidence", Real),
    Column("entropy", Real),
    Column("prompt_tokens", Integer, nullable=False),
    Column("reply_tokens", Integer, nullable=False),
    Column("latency_ms", Real),
    Column("tags", Json, nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Column("config", Words, nullable=False),
    _seal(),
    Column("disagreement", Real, nullable=False, server_default="0"),
    Index(None, "task", "time", "id"),
    Index(None, "version"),
    Index(None, "of"),
)

feedback = Table(
    "feedback",
    METADATA,
    Column("seq", Serial, primary_key=True),
    Column("id", Words, nullable=False, unique=True),
    Column("interaction", Words, ForeignKey("interactions.id"), nullable=False),
    Column("kind", Choice(FeedbackKind), nullable=False),
    Column("value", Words, nullable=False),
    Column("time", Double, nullable=False),
    Column("source", Words, nullable=False),
    _seal(),
    Index(None, "interaction", "time"),
    Index(None, "time"),
    sqlite_autoincrement=True,
)

vectors = Table(
    "vectors",
    METADATA,
    Column("interaction", Words, primary_key=True),
    Column("backend", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)


def _noun(name: str, *more: Column[str] | Column[float] | Index) -> Table:
    return Table(
        name,
        METADATA,
        Column("seq", Serial, primary_key=True),
        Column("id", Words, nullable=False, unique=True),
        Column("task", Words, nullable=False),
        Column("time", Double, nullable=False),
        Column("body", Json, nullable=False),
        *more,
        _seal(),
        Index(None, "task", "seq"),
        sqlite_autoincrement=True,
    )


signals = _noun("signals")
decisions = _noun("decisions")
datasets = _noun("datasets")
versions = _noun("versions")
reports = _noun("reports")
verdicts = _noun("verdicts")
releases = _noun("releases")
turns = _noun("turns")
alerts = _noun(
    "alerts",
    Column("key", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("resolved", Double, nullable=False),
    Index(None, "key", "seq"),
)
silences = _noun("silences", Column("until", Double, nullable=False))

deliveries = Table(
    "deliveries",
    METADATA,
    Column("seq", Serial, primary_key=True),
    Column("id", Words, nullable=False, unique=True),
    Column("alert", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("edition", Words, nullable=False),
    Column("time", Double, nullable=False),
    Column("body", Json, nullable=False),
    Column("state", Choice(Post), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", Double, nullable=False),
    Column("problem", Words, nullable=False),
    Column("sent", Double, nullable=False),
    UniqueConstraint("alert", "channel", "edition"),
    Index(None, "channel", "state", "due"),
    sqlite_autoincrement=True,
)

aliases = Table(
    "aliases",
    METADATA,
    Column("task", Words, primary_key=True),
    Column("alias", Words, primary_key=True),
    Column("version", Words, nullable=False),
    _seal(),
)

lineage = Table(
    "lineage",
    METADATA,
    Column("child", Words, primary_key=True),
    Column("parent", Words, primary_key=True),
    Column("relation", Words, primary_key=True),
    _seal(),
    Index(None, "parent"),
)

events = Table(
    "events",
    METADATA,
    Column("seq", Serial, primary_key=True),
    Column("subject", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("time", Double, nullable=False),
    Column("values", Json, nullable=False),
    _seal(),
    Index(None, "subject", "seq"),
    sqlite_autoincrement=True,
)

state = Table("state", METADATA, Column("key", Words, primary_key=True), Column("value", Json, nullable=False), _seal())

configs = Table(
    "configs", METADATA, Column("hash", Text, primary_key=True), Column("text", Words, nullable=False), _seal()
)

audit = Table(
    "audit",
    METADATA,
    Column("seq", Serial, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("who", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("about", Words, nullable=False),
    Column("hash", Text, nullable=False),
    Column("before", Text, nullable=False),
    _seal(),
    Index(None, "about", "seq"),
)
