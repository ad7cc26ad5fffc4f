"""Where the rows of a table lie in a SQLite file, byte by byte. Not a bar: `prove_10.py` flips bytes there.

The content of a row is its cell: the length of its record, its number, the record's head and values, and the pages that
a long record goes on in, with the numbers of these pages. Page heads, pointers to cells and free space hold nothing of
a row. The format is that of https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

INTERIOR, LEAF = 0x05, 0x0D


def cells(file: Path, table: str) -> list[range]:
    """The stretches of a file that hold the rows of a table, none of them empty. Nobody may have the file open."""
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).fetchone()
    connection.close()
    content = file.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    size = 65_536 if size == 1 else size
    return [place for place in _under(content, size, root) if len(place)]


def _under(content: bytes, size: int, page: int) -> Iterator[range]:
    start = (page - 1) * size
    head = start + (100 if page == 1 else 0)
    kind, count = content[head], _number(content, head + 3, 2)
    pointers = head + (12 if kind == INTERIOR else 8)
    places = [start + _number(content, pointers + 2 * k, 2) for k in range(count)]
    if kind == LEAF:
        for place in places:
            yield from _cell(content, size, place)
        return
    for place in places:
        yield from _under(content, size, _number(content, place, 4))
    yield from _under(content, size, _number(content, head + 8, 4))


def _cell(content: bytes, size: int, place: int) -> Iterator[range]:
    usable = size - content[20]
    payload, at = _varint(content, place)
    _, at = _varint(content, at)
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    here = payload
    if payload > most:
        here = least + (payload - least) % (usable - 4)
        here = here if here <= most else least
    yield range(place, at + here + (4 if payload > most else 0))
    left, page = payload - here, _number(content, at + here, 4) if payload > most else 0
    while left > 0:
        start = (page - 1) * size
        taken = min(left, usable - 4)
        last = left == taken
        # The last page's pointer says that there is none after it; with the record's length known nobody reads it.
        yield range(start + (4 if last else 0), start + 4 + taken)
        left, page = left - taken, _number(content, start, 4)


def _number(content: bytes, at: int, width: int) -> int:
    return int.from_bytes(content[at : at + width], "big")


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins."""
    value = 0
    for k in range(8):
        value = value << 7 | content[at + k] & 0x7F
        if not content[at + k] & 0x80:
            return value, at + k + 1
    return value << 8 | content[at + 8], at + 9
