"""Files by content: a blob's name is the SHA-256 of its bytes, a folder's that of the list of its files.

Nothing is ever written in place. A file becomes visible by a rename after its bytes are on the disk, so a crash or a
full disk leaves the blobs as they were; what is read is hashed again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp, mkstemp
from typing import TypeAlias

from homeostat.errors import NotFound, StoreUnreachable, Tampered, full_disk_named

Content: TypeAlias = bytes
CHUNK = 1 << 20
"""Bytes read or written at once."""
_HASH = re.compile("[0-9a-f]{64}")
ABANDONED_S = 86_400.0
"""Age at which an unfinished file is taken to be a crash's."""


class Blobs:
    """The part of the store that holds files, under `root`: `files/ab/cdef…`, unfinished ones in `unfinished`, and
    folders laid out for use in `folders`.
    """

    def __init__(self, root: str | Path) -> None:
        if "://" in str(root):
            raise StoreUnreachable(
                "blobs can only be kept in a folder", where=str(root), fix="set store.blobs to a folder"
            )
        self.root = Path(root)
        try:
            for name in ("files", "folders", "unfinished"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreUnreachable(f"cannot make the folder of blobs: {problem.strerror}", where=str(root)) from None
        self._sweep()

    def put_bytes(self, content: Content) -> str:
        """Store bytes and give their hash; durable on return.

        Raises:
            StoreFull: the disk is full; nothing has changed.
        """
        return self._put([content])

    def put_text(self, text: str) -> str:
        """Store text as UTF-8 and give its hash. Raises as `put_bytes` does."""
        return self.put_bytes(text.encode("utf-8", "surrogatepass"))

    def put_folder(self, folder: str | Path) -> str:
        """Store every file in a folder and below it, and give the hash of the list of their names and hashes.

        Raises:
            NotFound: there is no such folder.
            StoreFull: the disk is full; no folder has been stored.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise NotFound("no such folder", where=str(folder))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        hashes = {path.relative_to(folder).as_posix(): self._put(_chunks(path)) for path in files}
        return self.put_text(json.dumps({"files": hashes}, sort_keys=True))

    def bytes(self, hash: str) -> Content:
        """The bytes of a blob.

        Raises:
            NotFound: there is no such blob.
            Tampered: its bytes are not the ones that were stored.
        """
        return b"".join(self.chunks(hash))

    def chunks(self, hash: str) -> Iterator[Content]:
        """The bytes of a blob, a piece at a time; that they are the right ones is known at the end.

        Raises as `bytes` does.
        """
        path, digest = self.path(hash), hashlib.sha256()
        if not path.is_file():
            raise NotFound(f"no blob {hash}", where=str(self.root))
        for chunk in _chunks(path):
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != hash:
            raise Tampered(f"blob {hash} has changed since it was stored", where=str(path), fix="restore a backup")

    def text(self, hash: str) -> str:
        """The text of a blob. Raises as `bytes` does."""
        return self.bytes(hash).decode("utf-8", "surrogatepass")

    def folder(self, hash: str) -> Path:
        """A stored folder, laid out on disk to be read from; laid out again if its files are not as they were stored.

        Raises:
            NotFound: there is no such folder.
            Tampered: a blob has changed since it was stored.
        """
        files = self.files(hash)
        place = self.root / "folders" / hash
        if not _matches(place, files):
            self._lay_out(place, files)
        return place

    @property
    def served(self) -> Path:
        """Where folders are kept that were written for a server of what is laid out, by the hash of that."""
        return self.root / "served"

    def files(self, hash: str) -> dict[str, str]:
        """Name -> hash of the files of a stored folder.

        Raises:
            NotFound: there is no such folder.
            Tampered: the list has changed since it was stored.
        """
        files = _listed(self.bytes(hash))
        if files is None:
            raise NotFound(f"blob {hash} is a file, not a folder", where=str(self.root))
        if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
            raise Tampered(f"folder {hash} names files outside itself", where=str(self.path(hash)))
        return files

    def hashes(self) -> Iterator[str]:
        """The hash of every blob, by its name alone."""
        for path in sorted((self.root / "files").glob("*/*")):
            yield path.parent.name + path.name

    def changed_folders(self) -> Iterator[str]:
        """The hash of every laid out folder that is not what was stored; whoever asks for one has it laid out anew."""
        for place in sorted((self.root / "folders").iterdir()):
            try:
                files = self.files(place.name)
            except (NotFound, Tampered):  # told of with the blobs
                continue
            if not _matches(place, files):
                yield place.name

    def stored_at(self, hash: str) -> float:
        """When a blob was stored, or stored again, last; in seconds since 1970."""
        return self.path(hash).stat().st_mtime

    def size(self, hash: str) -> int:
        """Bytes of a blob."""
        return self.path(hash).stat().st_size

    def laid_out(self) -> list[str]:
        """The hashes of all folders that are laid out."""
        return sorted(place.name for place in (self.root / "folders").iterdir())

    def remove(self, hash: str, before: float) -> None:
        """Remove a blob that nothing points to, unless it was stored again since the moment `before`."""
        if self.stored_at(hash) < before:
            self.path(hash).unlink()

    def erase(self, hash: str) -> None:
        """Remove a blob and the copies that were laid out of it, whoever points to them and however young they are."""
        shutil.rmtree(self.served / hash, ignore_errors=True)
        if (self.root / "folders" / hash).is_dir():
            self.remove_laid_out(hash)
        self.path(hash).unlink(missing_ok=True)

    def holds(self, hash: str) -> bool:
        """Whether there is a blob of this name."""
        return bool(_HASH.fullmatch(hash)) and self.path(hash).is_file()

    def remove_laid_out(self, hash: str) -> None:
        """Remove the copy of a folder that was laid out, and what was written of it for a server; at once for whoever
        looks, and then file by file.
        """
        shutil.rmtree(self.served / hash, ignore_errors=True)
        gone = Path(mkdtemp(dir=self.root / "unfinished")) / "gone"
        (self.root / "folders" / hash).rename(gone)
        shutil.rmtree(gone.parent, ignore_errors=True)

    def path(self, hash: str) -> Path:
        """Where a blob lies, if there is one. What is read of it there is not held against its hash.

        Raises:
            NotFound: that is no name of a blob.
        """
        if not _HASH.fullmatch(hash):
            raise NotFound(f"'{hash}' is not the name of a blob", where=str(self.root))
        return self.root / "files" / hash[:2] / hash[2:]

    def _put(self, chunks: Iterable[Content]) -> str:
        with self._full_disk_named():
            handle, name = mkstemp(dir=self.root / "unfinished")
            unfinished = Path(name)
            try:
                hash = _write(handle, chunks)
                self._publish(unfinished, self.path(hash), hash)
            finally:
                unfinished.unlink(missing_ok=True)
        return hash

    def _publish(self, unfinished: Path, path: Path, hash: str) -> None:
        """Give a finished file its name, unless a sound one has it."""
        if path.is_file() and _hash_of(path) == hash:
            os.utime(path)  # it is wanted again, though perhaps nothing points to it yet
            return
        path.parent.mkdir(exist_ok=True)
        unfinished.replace(path)
        # The rename itself is on disk only when the folder is.
        _sync_folder(path.parent)
        _sync_folder(path.parent.parent)

    def _lay_out(self, place: Path, files: dict[str, str]) -> None:
        with self._full_disk_named():
            unfinished = Path(mkdtemp(dir=self.root / "unfinished"))
            try:
                for name, hash in files.items():
                    path = unfinished / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with path.open("wb") as file:
                        file.writelines(self.chunks(hash))
                self._swap(unfinished, place, files)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)

    def _swap(self, unfinished: Path, place: Path, files: dict[str, str]) -> None:
        """Put a folder where a broken one may be, or one that another process has just laid out."""
        while True:
            try:
                unfinished.rename(place)
                return
            except OSError as taken:
                if taken.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            if _matches(place, files):
                return
            with suppress(FileNotFoundError):
                place.rename(Path(mkdtemp(dir=self.root / "unfinished")) / "broken")

    def _sweep(self) -> None:
        """Remove what crashes left unfinished."""
        for path in (self.root / "unfinished").iterdir():
            if time.time() - path.lstat().st_mtime > ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def _full_disk_named(self) -> AbstractContextManager[None]:
        return full_disk_named("the disk takes no more blobs", where=str(self.root))


def _write(handle: int, chunks: Iterable[Content]) -> str:
    digest = hashlib.sha256()
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[Content]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _listed(content: Content) -> dict[str, str] | None:
    """The files of a folder, if this is the list of one: other documents may have a field of that name too."""
    try:
        said = json.loads(content)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.keys() != {"files"} or not isinstance(said["files"], dict):
        return None
    files: dict[str, str] = said["files"]
    return files if all(isinstance(hash, str) for hash in files.values()) else None


def _matches(place: Path, files: dict[str, str]) -> bool:
    """Whether a folder holds these files, all of them and no others, with these contents."""
    if not place.is_dir():
        return False
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    return there == files.keys() and all(_hash_of(place / name) == hash for name, hash in files.items())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
