"""A scan of files finds what is left of texts, wherever it lies, and says what it could not open."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.store.database import Database
from homeostat.store.remains import remains

TEXT = "my secret pump is leaking since Tuesday, says Björn"
OTHER = "nothing of this was ever written anywhere"


def _zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/rows.jsonl", content)
    return file.getvalue()


def _tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("rows.jsonl")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def _numpy(content: bytes) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, words=np.frombuffer(content, np.uint8))
    return file.getvalue()


LINE = (json.dumps({"text": TEXT}) + "\n").encode()
COATS = {
    "jsonl": LINE,
    "gz": gzip.compress(LINE),
    "bz2": bz2.compress(LINE),
    "xz": lzma.compress(LINE),
    "zip": _zip(LINE),
    "tar.gz": _tar(LINE),
    "npz": _numpy(LINE),
    "gz in zip in gz": gzip.compress(_zip(gzip.compress(LINE))),
    "utf-16": TEXT.encode("utf-16"),
    "log": b"2026-01-01 12:00 INFO request " + TEXT.encode() + b" answered\n",
}


@pytest.mark.parametrize("coat", COATS)
def test_a_text_is_found_in_every_coat(coat: str, tmp_path: Path) -> None:
    """Plain, packed, in archives, in archives of archives: the file is named, and how many texts are in it."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    file = tmp_path / "deep" / "er" / "some.file"
    file.write_bytes(COATS[coat])
    found = remains([tmp_path], [TEXT, OTHER])
    assert found.found == {str(file): 1}
    assert (found.looked_for, found.files, found.unread, found.nothing) == (2, 1, (), False)
    file.write_bytes(COATS["gz"].replace(b"\x1f\x8b", b"\x1f\x8c"))
    assert remains([tmp_path], [TEXT, OTHER]).nothing


def test_parquet_and_safetensors(tmp_path: Path) -> None:
    """Columns of a Parquet file, packed as they are by default, and words and headings in a file of tensors."""
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    rows = {"id": ["a", "b"], "nested": [{"said": [TEXT]}, {"said": ["no"]}]}
    parquet.write_table(arrow.table(rows), tmp_path / "rows.parquet", compression="zstd")
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "a.safetensors", metadata={"rows": TEXT})
    save_file({"words": np.frombuffer(TEXT.encode(), np.uint8)}, tmp_path / "b.safetensors")
    found = remains([tmp_path], [TEXT])
    assert {Path(name).name for name in found.found} == {"rows.parquet", "a.safetensors", "b.safetensors"}


def test_a_database_is_read_by_rows_and_by_bytes(tmp_path: Path) -> None:
    """A long text on many pages, one in the log that is written ahead, and one that was deleted and lies on a free
    page. Without `secure_delete` the last one is there, so that the scan has something to find.
    """
    long = TEXT * 400
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("PRAGMA secure_delete=OFF")
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [(long,)] + [("other words " * 40,)] * 50)
        database.commit()
        assert remains([tmp_path], [long]).found == {str(tmp_path / "a.db"): 1}
        database.execute("DELETE FROM t")
        database.commit()
        assert remains([tmp_path], [TEXT]).found == {str(tmp_path / "a.db"): 1}
        database.execute("VACUUM")
        assert remains([tmp_path], [TEXT, long]).nothing
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("INSERT INTO t VALUES (?)", (TEXT,))
        database.commit()
        assert str(tmp_path / "a.db-wal") in remains([tmp_path], [TEXT]).found


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A broken archive, one that wraps too often, and one packed in a way that is not known: each is named with its
    reason, and the scan does not say that nothing is left.
    """
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b"x" * 5000)[:-20])
    wrapped = b"at last"
    for _ in range(7):
        wrapped = gzip.compress(wrapped)
    (tmp_path / "deep.gz").write_bytes(wrapped)
    (tmp_path / "rows.zst").write_bytes(b"\x28\xb5\x2f\xfd" + b"\x00" * 20)
    found = remains([tmp_path], [TEXT])
    assert not found.nothing
    assert len(found.unread) == 3
    for name in ("broken.gz", "deep.gz", "rows.zst"):
        assert any(name in line for line in found.unread)


def test_names_of_files_and_short_texts(tmp_path: Path) -> None:
    """A file may be called what is looked for; texts too short to look for are counted; a single file is scanned."""
    (tmp_path / "alice@example.com.txt").write_text("nothing")
    found = remains([tmp_path, tmp_path / "alice@example.com.txt"], ["alice@example.com", "ok"])
    assert (len(found.found), found.too_short, found.files) == (1, 1, 1)
    assert remains([tmp_path / "not there"], ["alice@example.com"]).files == 0


def test_a_database_that_is_a_file_is_not_asked(tmp_path: Path) -> None:
    """SQLite's rows are found by its file alone."""
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    assert remains([tmp_path / "nowhere"], [TEXT], database).nothing
    database.close()
