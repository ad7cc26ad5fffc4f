"""A disk that takes no more, met at its boundary: the operating system refuses to let files grow."""

import errno
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from homeostat.errors import StoreFull
from homeostat.store import Store
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database

# Runs in a process of its own, whose files may grow to 400 kB and no further: a write beyond fails, as on a full disk.
LIMITED = """
import resource, sys
from homeostat.errors import StoreFull
from homeostat.store import Store
from homeostat.types.interaction import Interaction

def rows(name, n):
    return [
        Interaction(id=f"int_{name}{k}", task="t", time=float(k), text="x" * 1000, reply="", version="")
        for k in range(n)
    ]

with Store.open(sys.argv[1], sys.argv[2]) as store:
    store.interactions.add(rows("before", 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    for attempt in (lambda: store.interactions.add(rows("big", 2000)), lambda: store.blobs.put_bytes(b"y" * 1_000_000)):
        try:
            attempt()
        except StoreFull as problem:
            print(problem.code, problem.what)
    print(len(store.interactions.list("t")), list(store.blobs.hashes()), store.verify())
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(store.interactions.add(rows("after", 2000)))
"""


def test_full_disk_changes_nothing(tmp_path: Path) -> None:
    """On a full disk rows and blobs are refused by name, what was there stays, and with space again it goes on."""
    url = f"sqlite:///{tmp_path}/store.db"
    command = [sys.executable, "-c", LIMITED, url, str(tmp_path / "blobs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout.splitlines()) == (
        "",
        ["E402 the disk takes no more rows", "E402 the disk takes no more blobs", "20 [] []", "2000"],
    )
    with Store.open(url, tmp_path / "blobs") as store:
        assert store.interactions.count("t") == 2020
        assert store.verify() == []
        assert list((tmp_path / "blobs" / "unfinished").iterdir()) == []


def test_database_without_a_page_left(tmp_path: Path) -> None:
    """SQLite's own word for a full disk has our name, and undoes the whole transaction."""
    database = Database(f"sqlite:///{tmp_path}/store.db")

    def fill() -> None:
        with database.write() as connection:
            connection.execute(text("PRAGMA max_page_count = 2"))
            for number in range(9):
                connection.execute(text(f"CREATE TABLE t{number} (a INTEGER)"))

    with pytest.raises(StoreFull, match="takes no more rows"):
        fill()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_postgres_word_for_it() -> None:
    """PostgreSQL's error for a full disk, made by its own driver, has our name too."""
    database = Database("postgresql://h/d")
    problem = OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file"))
    named = database._named(problem)
    assert isinstance(named, StoreFull)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_while_syncing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A disk that is found full only when a file is flushed leaves no blob and no remains."""
    blobs = Blobs(tmp_path / "blobs")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_text("a")

    def full(_: int) -> None:
        raise OSError(code, "no space")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreFull, match="no more blobs"):
        blobs.put_text("a")
    with pytest.raises(StoreFull, match="no more blobs"):
        blobs.put_folder(tmp_path / "folder")
    assert list(blobs.hashes()) == []
    assert list((blobs.root / "unfinished").iterdir()) == []
