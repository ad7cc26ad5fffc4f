"""Vectors of requests by an embedding backend other than the model that answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "vectors",
        sa.Column("interaction", WORDS, nullable=False),
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("interaction", "backend", name="pk_vectors"),
    )
