"""How the database is opened, and what its failures are called."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from homeostat.errors import StoreUnreachable
from homeostat.store import Store
from homeostat.store.database import Database
from homeostat.store.tables import feedback


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database in a file in a folder that is yet to be made."""
    return Database(f"sqlite:///{tmp_path}/deep/er/store.db")


def test_settings(database: Database) -> None:
    """A connection writes ahead, waits for the disk and for others, and checks references."""
    with database.read() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30_000, "foreign_keys": 1}


def test_failed_block_changes_nothing(database: Database) -> None:
    """A transaction whose block raises leaves nothing, tables included."""

    def fail_half_way() -> None:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE a (b INTEGER)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_reading_sees_one_moment(database: Database) -> None:
    """What is written while a reading is under way is not seen by it, and neither waits for the other."""
    with database.write() as connection:
        connection.execute(text("CREATE TABLE a (b INTEGER)"))
    with database.read() as reading:
        assert reading.execute(text("SELECT count(*) FROM a")).scalar() == 0
        with database.write() as connection:
            connection.execute(text("INSERT INTO a VALUES (1)"))
        assert reading.execute(text("SELECT count(*) FROM a")).scalar() == 0


def test_our_own_mistakes_keep_their_name(tmp_path: Path) -> None:
    """A row that breaks a reference is not taken for a database that cannot be reached."""
    url = f"sqlite:///{tmp_path}/store.db"
    Store.open(url, tmp_path).close()
    row = {"id": "f", "interaction": "none", "kind": "label", "value": "", "time": 0.0, "source": ""}
    with pytest.raises(IntegrityError), Database(url).write() as connection:
        connection.execute(feedback.insert(), row)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "none+none://u:secret@h/d"]
)
def test_url_of_no_database(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that names no database file or server is refused without repeating it, for it may hold a password."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnreachable) as caught:
        Store.open(url, tmp_path)
    assert "secret" not in str(caught.value)


def test_no_server(tmp_path: Path) -> None:
    """A server that does not answer is named without its password."""
    with pytest.raises(StoreUnreachable) as caught:
        Store.open("postgresql://user:secret@127.0.0.1:1/homeostat", tmp_path)
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of another kind is refused and stays as it was."""
    (tmp_path / "store.db").write_text("a letter to my aunt" * 100)
    with pytest.raises(StoreUnreachable, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path)
    assert (tmp_path / "store.db").read_text() == "a letter to my aunt" * 100


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """A folder where the file should be, or a file where its folder should be, is an error that names the place."""
    (tmp_path / "store.db").mkdir()
    (tmp_path / "file").touch()
    for path in ("store.db", "file/store.db"):
        with pytest.raises(StoreUnreachable, match=str(tmp_path)):
            Store.open(f"sqlite:///{tmp_path}/{path}", tmp_path)


def test_file_that_nobody_may_write(database: Database) -> None:
    """Where SQLite may not write, what helps is another place: nothing is wrong with the URL."""
    with database.read() as connection:  # of the one connection that the file has here
        connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(StoreUnreachable, match="readonly") as caught, database.write() as connection:
        connection.execute(text("CREATE TABLE letters (line TEXT)"))
    assert "another place" in caught.value.fix


def test_waiting_for_a_writer(tmp_path: Path) -> None:
    """While another program holds the lock, reading goes on."""
    url = f"sqlite:///{tmp_path}/store.db"
    with Store.open(url, tmp_path / "blobs") as store:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.interactions.count("t") == 0
        other.execute("ROLLBACK")
        other.close()
