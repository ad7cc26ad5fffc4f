"""What the measured code is, so that what a benchmark has kept is never shown as what other code does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import homeostat

ROOMS = ("llm", "train")
"""Where models are read, asked and trained; what one file of a room does hangs on the others."""


@cache
def code(rooms: Sequence[str] = ROOMS, room: Path = Path(homeostat.__file__).parent) -> str:
    """A hash of every Python file of these rooms, with its place."""
    files = sorted(path for each in rooms for path in (room / each).rglob("*.py"))
    said = hashlib.sha256()
    for path in files:
        said.update(f"{path.relative_to(room)}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return said.hexdigest()[:16]
