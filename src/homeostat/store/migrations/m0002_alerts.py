"""Alerts, the silences that keep them quiet, and the outbox of what is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables and their indexes."""
    _noun("alerts", _words("key"), _words("kind"), _words("severity"), _number("resolved"))
    op.create_index("ix_alerts_key_seq", "alerts", ["key", "seq"])
    _noun("silences", _number("until"))
    _deliveries()


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, WORDS, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def _noun(name: str, *more: sa.Column[str] | sa.Column[float]) -> None:
    op.create_table(
        name,
        sa.Column("seq", SERIAL, nullable=False),
        _words("id"),
        _words("task"),
        _number("time"),
        sa.Column("body", sa.Text(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
        sa.UniqueConstraint("id", name=f"uq_{name}_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{name}_task_seq", name, ["task", "seq"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("seq", SERIAL, nullable=False),
        *(_words(name) for name in ("id", "alert", "channel", "edition")),
        _number("time"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _number("due"),
        _words("problem"),
        _number("sent"),
        sa.PrimaryKeyConstraint("seq", name="pk_deliveries"),
        sa.UniqueConstraint("alert", "channel", "edition", name="uq_deliveries_alert_channel_edition"),
        sa.UniqueConstraint("id", name="uq_deliveries_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_channel_state_due", "deliveries", ["channel", "state", "due"])
