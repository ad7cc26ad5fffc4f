"""Files that a command is to read, and to write: whether they can be, asked before the work that takes them."""

from __future__ import annotations

import os
from pathlib import Path

from homeostat.errors import NotText


def hold_writable(file: Path | None) -> None:
    """Hold that a file can be written; None can.

    Raises:
        NotText: it is a folder, there is no folder to write it into, or nobody may write there.
    """
    if file is None:
        return
    where = str(file)
    if file.is_dir():
        raise NotText("cannot be written: it is a folder", where=where, fix="name a file in it")
    if not file.parent.is_dir():
        raise NotText("cannot be written: there is no such folder", where=where, fix=f"make {file.parent} first")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise NotText("cannot be written: it is not allowed", where=where, fix="name a file in a folder of yours")


def content_of(file: Path) -> bytes:
    """What a file holds.

    Raises:
        NotText: it is a folder, is not there, or nobody may read it.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise NotText(f"cannot be read: {problem.strerror}", where=str(file), fix="name a file of yours") from None


def text_of(file: Path) -> str:
    """The text that a file holds, without a mark of its encoding.

    Raises:
        NotText: as `content_of`, or it is not UTF-8.
    """
    try:
        return content_of(file).decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = broken.object.count(b"\n", 0, broken.start) + 1
        raise NotText("not UTF-8 text", where=f"{file} line {line}", fix="save the file as UTF-8") from None
