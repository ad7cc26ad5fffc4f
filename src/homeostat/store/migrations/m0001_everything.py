"""Creates every table of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NOUNS = ("signals", "decisions", "datasets", "versions", "reports", "verdicts", "releases", "turns")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables and their indexes."""
    _interactions()
    _feedback()
    for name in NOUNS:
        _noun(name)
    _ties()
    _notes()


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, WORDS, nullable=False)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _interactions() -> None:
    op.create_table(
        "interactions",
        _words("id"),
        _words("task"),
        sa.Column("time", sa.Double(), nullable=False),
        *(_words(name) for name in ("text", "reply", "version")),
        sa.Column("role", sa.Text(), nullable=False),
        *(_words(name) for name in ("of", "episode")),
        *(sa.Column(name, sa.Double()) for name in ("probability", "confidence", "entropy")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("prompt_tokens", "reply_tokens")),
        sa.Column("latency_ms", sa.Double()),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        _words("config"),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
    )
    _index("interactions", "task", "time", "id")
    _index("interactions", "version")
    _index("interactions", "of")


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("seq", SERIAL, nullable=False),
        _words("id"),
        _words("interaction"),
        sa.Column("kind", sa.Text(), nullable=False),
        _words("value"),
        sa.Column("time", sa.Double(), nullable=False),
        _words("source"),
        sa.PrimaryKeyConstraint("seq", name="pk_feedback"),
        sa.UniqueConstraint("id", name="uq_feedback_id"),
        sa.ForeignKeyConstraint(["interaction"], ["interactions.id"], name="fk_feedback_interaction"),
        sqlite_autoincrement=True,
    )
    _index("feedback", "interaction", "time")
    _index("feedback", "time")


def _noun(name: str) -> None:
    op.create_table(
        name,
        sa.Column("seq", SERIAL, nullable=False),
        _words("id"),
        _words("task"),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
        sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        sqlite_autoincrement=True,
    )
    _index(name, "task", "seq")


def _ties() -> None:
    """What points from one noun to another."""
    op.create_table(
        "aliases",
        *(_words(name) for name in ("task", "alias", "version")),
        sa.PrimaryKeyConstraint("task", "alias", name="pk_aliases"),
    )
    op.create_table(
        "lineage",
        *(_words(name) for name in ("child", "parent", "relation")),
        sa.PrimaryKeyConstraint("child", "parent", "relation", name="pk_lineage"),
    )
    _index("lineage", "parent")


def _notes() -> None:
    """Progress, states and configurations."""
    op.create_table(
        "events",
        sa.Column("seq", SERIAL, nullable=False),
        _words("subject"),
        _words("name"),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    _index("events", "subject", "seq")
    op.create_table(
        "state",
        _words("key"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_state"),
    )
    op.create_table(
        "configs",
        sa.Column("hash", sa.Text(), nullable=False),
        _words("text"),
        sa.PrimaryKeyConstraint("hash", name="pk_configs"),
    )
