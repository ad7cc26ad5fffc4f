"""Files that a command is to write: whether they can be, asked before the work whose outcome they shall hold."""

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
