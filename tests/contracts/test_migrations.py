"""The revisions make the tables that the code declares, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Inspector, inspect, text

from homeostat.errors import StoreUnreachable
from homeostat.store import Store
from homeostat.store.database import Database
from homeostat.store.migrate import scripts, upgrade
from homeostat.store.tables import METADATA


def described(inspector: Inspector) -> dict[str, object]:
    """Every table as the database itself tells of it: columns, keys, indexes."""
    found: dict[str, object] = {}
    for table in inspector.get_table_names():
        columns = [
            (one["name"], str(one["type"]), one["nullable"], getattr(one["type"], "collation", None))
            for one in inspector.get_columns(table)
        ]
        keys = (
            inspector.get_pk_constraint(table),
            inspector.get_unique_constraints(table),
            [(one["name"], one["referred_table"]) for one in inspector.get_foreign_keys(table)],
            sorted((one["name"] or "", str(one["column_names"])) for one in inspector.get_indexes(table)),
        )
        found[table] = (columns, str(keys))
    return found


def test_upgrade_from_nothing(url: str) -> None:
    """An empty database ends at the newest revision, and a second upgrade finds nothing to do."""
    database = Database(url)
    for _ in range(2):
        upgrade(database)
        with database.read() as connection:
            revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
            assert revision == scripts().get_current_head()
    database.close()


def test_revisions_make_the_declared_tables(url: str) -> None:
    """Alembic finds no difference between what the revisions made and what `tables` declares."""
    database = Database(url)
    upgrade(database)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()


def test_revisions_and_declaration_agree_in_every_detail(url: str) -> None:
    """Types, collations, keys and indexes are those that creating the declared tables would give."""
    database = Database(url)
    upgrade(database)
    with database.write() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        migrated = described(inspect(connection))
        METADATA.drop_all(connection)
        assert described(inspect(connection)) == {}
        METADATA.create_all(connection)
        assert described(inspect(connection)) == migrated
    database.close()


def test_one_line_of_revisions() -> None:
    """There is one newest revision, and each follows the one before it."""
    assert len(scripts().get_heads()) == 1
    assert [script.revision for script in scripts().walk_revisions()][-1] == "0001"


def test_failed_upgrade_leaves_nothing(url: str) -> None:
    """An upgrade that fails half way leaves the database as it was, so that it can be tried again."""
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE releases (id INTEGER)"))  # in the way of the first revision
    with pytest.raises(Exception, match="releases"):
        upgrade(database)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["releases"]
    database.close()


def test_database_of_a_newer_homeostat(url: str, tmp_path: Path) -> None:
    """A database with a revision that is not known is refused, and not touched."""
    Store.open(url, tmp_path).close()
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreUnreachable, match="9999"):
        Store.open(url, tmp_path)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    database.close()
