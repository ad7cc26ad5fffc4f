"""A seal for every row, and the audit log. What is there already is sealed as it is, and the log begins with it."""

from __future__ import annotations

import getpass
import hashlib
import os
import struct
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NOUNS = (
    "signals",
    "decisions",
    "datasets",
    "versions",
    "reports",
    "verdicts",
    "releases",
    "turns",
    "alerts",
    "silences",
)
KEYS = {
    "aliases": ("task", "alias"),
    "lineage": ("child", "parent", "relation"),
    "state": ("key",),
    "configs": ("hash",),
}
KEYS |= {"interactions": ("id",), "feedback": ("seq",), "events": ("seq",), **dict.fromkeys(NOUNS, ("seq",))}
"""Table -> what tells its rows apart."""
REALS = ("time", "probability", "confidence", "entropy", "latency_ms", "resolved", "until")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_ONCE = 1_000


def upgrade() -> None:
    """Make the columns and the log, seal every row, and begin the log with the nouns and the aliases."""
    op.create_table(
        "audit",
        sa.Column("seq", SERIAL, nullable=False, autoincrement=False),
        sa.Column("time", sa.Double(), nullable=False),
        *(sa.Column(name, WORDS, nullable=False) for name in ("who", "what", "about")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("hash", "before")),
        _seal(),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_about_seq", "audit", ["about", "seq"])
    log = _Log(op.get_bind())
    for table, keys in KEYS.items():
        op.add_column(table, _seal())
        columns = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]
        _seal_rows(log, table, keys, [name for name in columns if name not in ("seq", "seal")])


def _seal() -> sa.Column[str]:
    return sa.Column("seal", sa.Text(), nullable=False, server_default="")


class _Log:
    """The audit log as it grows."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.seq, self.before = connection, 0, "0" * 64
        self.table = sa.table("audit", *(sa.column(name) for name in ("seq", *_ENTRY, "before", "seal")))

    def append(self, what: str, about: str, hash: str) -> None:
        """Add an entry."""
        values = [self.seq + 1, time.time(), _user(), what, about, hash]
        row: dict[str, Any] = dict(zip(("seq", *_ENTRY, "before"), [*values, self.before], strict=True))
        row["seal"] = _hash("audit", row)
        self.connection.execute(self.table.insert().values(row))
        self.seq, self.before = self.seq + 1, row["seal"]


_ENTRY = ("time", "who", "what", "about", "hash")


def _seal_rows(log: _Log, name: str, keys: tuple[str, ...], covered: list[str]) -> None:
    """Seal the rows of a table, a part at a time; the log tells of nouns and of aliases."""
    every = list(dict.fromkeys([*keys, *covered]))
    table = sa.table(name, *(sa.column(column) for column in [*every, "seal"]))
    order = [table.c[key] for key in keys]
    query = sa.select(*(table.c[column] for column in every)).order_by(*order).limit(AT_ONCE)
    write = table.update().where(*(table.c[key] == sa.bindparam(f"at_{key}") for key in keys))
    write = write.values(seal=sa.bindparam("sealed"))
    some = query
    while rows := log.connection.execute(some).mappings().all():
        seals = [_hash(name, {column: row[column] for column in covered}) for row in rows]
        places = [{f"at_{key}": row[key] for key in keys} for row in rows]
        log.connection.execute(write, [{**at, "sealed": seal} for at, seal in zip(places, seals, strict=True)])
        for row, seal in zip(rows, seals, strict=True):
            if name in NOUNS:
                log.append(f"{name[:-1]} found", row["id"], seal)
            elif name == "aliases":
                log.append("alias found", f"{row['alias']} of {row['task']}", seal)
        some = query.where(sa.tuple_(*order) > sa.tuple_(*(sa.literal(rows[-1][key]) for key in keys)))


def _hash(table: str, row: dict[str, Any]) -> str:
    digest = hashlib.sha256(table.encode())
    for name, value in row.items():
        kind, content = _content(float(value) if name in REALS and value is not None else value)
        digest.update(b"%s %s %d\n" % (name.encode(), kind, len(content)))
        digest.update(content)
    return digest.hexdigest()


def _content(value: Any) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"n", b""
        case str():
            return b"s", value.encode("utf-8", "surrogatepass")
        case int():
            return b"i", str(value).encode()
        case float():
            return b"f", struct.pack(">d", value + 0.0)
    return b"b", bytes(value)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
