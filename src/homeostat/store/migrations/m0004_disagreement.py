"""How far the members of an ensemble disagreed, beside each reply. Rows that were sound are sealed anew with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeostat.store.migrations import m0003_seals as seals

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, and seal every row that is what its seal says; of the others the damage still shows."""
    connection = op.get_bind()
    before = [c["name"] for c in sa.inspect(connection).get_columns("interactions") if c["name"] != "seal"]
    op.add_column("interactions", sa.Column("disagreement", sa.Double(), nullable=False, server_default="0"))
    table = sa.table("interactions", *(sa.column(name) for name in (*before, "disagreement", "seal")))
    write = table.update().where(table.c.id == sa.bindparam("at")).values(seal=sa.bindparam("sealed"))
    query = sa.select(table).order_by(table.c.id).limit(seals.AT_ONCE)
    some = query
    while rows := connection.execute(some).mappings().all():
        sound = [
            row for row in rows if seals._hash("interactions", {name: row[name] for name in before}) == row["seal"]
        ]
        values = [{name: row[name] for name in before} | {"disagreement": float(row["disagreement"])} for row in sound]
        sealed = [{"at": value["id"], "sealed": seals._hash("interactions", value)} for value in values]
        if sealed:
            connection.execute(write, sealed)
        some = query.where(table.c.id > rows[-1]["id"])
