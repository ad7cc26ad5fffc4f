"""What is in a file, unpacked as far as it can be: its own bytes, and those of what it holds, in chunks.

Packed (gzip, bzip2, xz), archives (zip, tar), Parquet, and SQLite's files, of which the rows are read besides
the bytes, for a long value lies in pieces on several pages. The bytes themselves come in any case: of a database's file
they hold the free pages too. What cannot be opened is said.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import sqlite3
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from homeostat.errors import MissingExtra
from homeostat.extras import require

CHUNK = 1 << 22
DEEPEST = 4
"""Wrappings in wrappings that are opened."""
LARGEST = 1 << 30
"""Bytes of a member of an archive that is held in memory to be opened."""
_PACKED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_ZSTD, _ZIP, _PARQUET, _SQLITE = b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1", b"SQLite format 3\x00"
_BROKEN = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError)
_NO_ARCHIVE = (tarfile.TarError, zipfile.BadZipFile)


@dataclass(slots=True)
class Unwrapped:
    """Goes through one file; afterwards `unread` says what could not be opened."""

    unread: list[str] = field(default_factory=list)

    def file(self, path: Path) -> Iterator[bytes]:
        """Every byte of a file and of what it holds.

        Raises:
            OSError: it cannot be read at all.
        """
        with path.open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")
            file.seek(0)
            yield from self._inside(file, path.name, 0, path)

    def _inside(self, file: IO[bytes], name: str, depth: int, path: Path | None = None) -> Iterator[bytes]:
        """What a file that stands at its beginning holds beside its own bytes."""
        head = file.read(512)
        file.seek(0)
        opener = self._opener(head)
        if opener is None:
            return
        if depth >= DEEPEST:
            self.unread.append(f"{name}: wrapped more than {DEEPEST} times")
            return
        try:
            yield from _between(opener(file, name, depth, path))
        except (*_BROKEN, *_NO_ARCHIVE, sqlite3.Error, MissingExtra) as broken:
            self.unread.append(f"{name}: {broken}".splitlines()[0])

    def _opener(self, head: bytes) -> Callable[[IO[bytes], str, int, Path | None], Iterator[bytes]] | None:
        if head.startswith(tuple(_PACKED)):
            return self._packed
        for mark, opener in (
            (_ZSTD, self._zstandard),
            (_ZIP, self._zip),
            (_PARQUET, self._parquet),
            (_SQLITE, self._sqlite),
        ):
            if head.startswith(mark):
                return opener
        return self._tar if head[257:262] == b"ustar" else None

    def _packed(self, file: IO[bytes], name: str, depth: int, _: Path | None) -> Iterator[bytes]:
        head = file.read(8)
        file.seek(0)
        opener = next(opener for mark, opener in _PACKED.items() if head.startswith(mark))
        yield from self._member(opener(file), name, depth)

    def _zstandard(self, file: IO[bytes], name: str, depth: int, _: Path | None) -> Iterator[bytes]:
        self.unread.append(f"{name}: packed with zstandard, which is not opened")
        yield from ()

    def _zip(self, file: IO[bytes], name: str, depth: int, _: Path | None) -> Iterator[bytes]:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                yield entry.filename.encode()
                with archive.open(entry) as member:
                    yield from self._member(member, f"{name}/{entry.filename}", depth)

    def _tar(self, file: IO[bytes], name: str, depth: int, _: Path | None) -> Iterator[bytes]:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for entry in archive:
                if member := archive.extractfile(entry):
                    yield from self._member(member, f"{name}/{entry.name}", depth)

    def _member(self, member: IO[bytes], name: str, depth: int) -> Iterator[bytes]:
        """The bytes of something that was in a wrapping, and of what is in it in turn."""
        kept, size = io.BytesIO(), 0
        while chunk := member.read(CHUNK):
            yield chunk
            size += len(chunk)
            if size <= LARGEST:
                kept.write(chunk)
        if size > LARGEST:
            self.unread.append(f"{name}: larger than {LARGEST} bytes, so only its own bytes were looked through")
            return
        kept.seek(0)
        yield from _between(self._inside(kept, name, depth + 1))

    def _parquet(self, file: IO[bytes], name: str, depth: int, _: Path | None) -> Iterator[bytes]:
        parquet = require("pyarrow.parquet", "to look into Parquet files", extra="parquet")
        for batch in parquet.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                yield from _values(row)

    def _sqlite(self, file: IO[bytes], name: str, depth: int, path: Path | None) -> Iterator[bytes]:
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / "copy.db"
            with copy.open("wb") as out:
                shutil.copyfileobj(file, out)
            for beside in ("-wal",) if path else ():
                if (log := path.with_name(path.name + beside)).exists():  # type: ignore[union-attr]
                    shutil.copyfile(log, f"{copy}{beside}")
            with closing(sqlite3.connect(copy)) as database:
                database.text_factory = bytes
                names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for (table,) in names:
                    quoted = table.decode().replace('"', '""')
                    for row in database.execute(f'SELECT * FROM "{quoted}"'):
                        yield from _values(row)


def _between(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of something of its own: no text begins before it and ends in it."""
    yield b"\x00"
    yield from chunks
    yield b"\x00"


def _values(value: Any) -> Iterator[bytes]:
    """The texts and bytes in a value, each apart from the next."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _values(one)
    elif isinstance(value, str | bytes):
        yield value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        yield b"\x00"
