"""A file gives its own bytes, and those of everything that it holds, each apart from the next."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.store import unwrapped
from homeostat.store.unwrapped import DEEPEST, Unwrapped


def inside(path: Path) -> tuple[bytes, list[str]]:
    """Everything that a file gives, and what could not be opened."""
    opened = Unwrapped()
    return b"".join(opened.file(path)), opened.unread


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files(pack: object, tmp_path: Path) -> None:
    """The packed bytes, and what they are packed from; of a file that ends too early what is there, and why."""
    content = b"some words " * 5000
    packed = pack(content)  # type: ignore[operator]
    (tmp_path / "whole").write_bytes(packed)
    said, unread = inside(tmp_path / "whole")
    assert packed in said
    assert content in said
    assert unread == []
    (tmp_path / "cut").write_bytes(packed[: len(packed) // 2])
    said, unread = inside(tmp_path / "cut")
    assert packed[: len(packed) // 2] in said
    assert len(unread) == 1
    assert unread[0].startswith("cut: ")


def test_members_of_archives_are_apart(tmp_path: Path) -> None:
    """No text begins in one member and ends in the next, nor in the archive's own bytes; names of members count."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("first part", "half a se")
        archive.writestr("second part", "cret")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in (("one", b"half a se"), ("two", b"cret")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.addfile(tarfile.TarInfo("empty folder/"))
    for name in ("a.zip", "a.tar"):
        said, unread = inside(tmp_path / name)
        assert b"half a se" in said
        assert b"half a secret" not in said
        assert unread == []
    assert b"second part" in inside(tmp_path / "a.zip")[0]


def test_wrappings_in_wrappings(tmp_path: Path) -> None:
    """So many are opened and no more, and that there were more is said."""
    content = b"at the bottom of it all"
    for depth in range(1, DEEPEST + 2):
        content = gzip.compress(content)
        (tmp_path / "deep.gz").write_bytes(content)
        said, unread = inside(tmp_path / "deep.gz")
        assert (b"at the bottom of it all" in said) == (depth <= DEEPEST)
        assert bool(unread) == (depth > DEEPEST)


def test_what_is_too_large_to_be_held_is_read_and_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a large member come all the same; that nobody looked into it is said."""
    monkeypatch.setattr(unwrapped, "LARGEST", 1000)
    inner = gzip.compress(b"x" * 10 + bytes(range(256)) * 40)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("large", b"y" * 2000 + b"the end of it" + inner)
    said, unread = inside(tmp_path / "a.zip")
    assert b"the end of it" in said
    assert "larger than 1000 bytes" in unread[0]


def test_rows_of_a_database(tmp_path: Path) -> None:
    """Every value of every table, long ones whole though they lie on many pages, bytes and odd names of tables too, and
    what is in its log alone; the file is not changed by that. One that is none is said to be none.
    """
    long = " ".join(str(k) for k in range(4000))
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute('CREATE TABLE "odd ""name" (a, b)')
        database.execute('INSERT INTO "odd ""name" VALUES (?, ?)', (long, b"\xff\x00bytes"))
        database.commit()
        before = path.read_bytes()
        said, unread = inside(path)
        assert long.encode() in said
        assert b"\xff\x00bytes" in said
        assert unread == []
        assert path.read_bytes() == before
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00" + b"nothing of the kind" * 40)
    assert len(inside(tmp_path / "broken.db")[1]) == 1


def test_plain_files_are_themselves(tmp_path: Path) -> None:
    """Nothing is added to what cannot be opened."""
    for content in (b"", b"words", b"PK but no archive", bytes(range(256)) * 100):
        (tmp_path / "plain").write_bytes(content)
        assert inside(tmp_path / "plain") == (content, [])
