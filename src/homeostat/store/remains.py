"""What is left of texts in a project's files: a scan of every byte, of packed and of binary files too.

It knows nothing of what the files are for, so that it finds what the code that erases has forgotten. A text is looked
for in the ways in which it may be written (`store.needles`); one that lies in pieces on several pages is found by them.
What it cannot open it names: a file that was not looked into is not a file in which nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from homeostat.store import tables
from homeostat.store.database import Database
from homeostat.store.needles import PIECE, Needles
from homeostat.store.seals import raw_rows
from homeostat.store.unwrapped import Unwrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a scan has found."""

    looked_for: int
    """Texts."""
    too_short: int
    """Texts that were not looked for, because so few letters are found everywhere by chance."""
    files: int
    bytes: int
    """Of the files as they lie on the disk."""
    found: dict[str, int] = field(default_factory=dict)
    """File -> how many of the texts are in it. None of the texts stands here."""
    unread: tuple[str, ...] = ()
    """Files that could not be opened, and why."""

    @property
    def nothing(self) -> bool:
        """Whether all was looked through and nothing is left."""
        return not self.found and not self.unread


def remains(
    folders: Iterable[Path], texts: Iterable[str], database: Database | None = None, staying: Iterable[str] = ()
) -> Remains:
    """Look for texts in every file of some folders, and in the rows of a database that is no file.

    A long text is found by its pieces too, but for those that stand in texts which are `staying`. Links are looked at
    as what they point to, within the folders or outside.
    """
    every = {text.strip() for text in texts} - {""}
    needles = Needles.of(every, pieces=True)
    if any(len(text) > PIECE // 4 for text in needles.texts):  # others have none that could be in pieces
        needles = needles.but_for(staying)
    found, unread, size, number = dict[str, int](), list[str](), 0, 0
    for path in _files(folders):
        number, opened = number + 1, Unwrapped()
        try:
            size += path.stat().st_size
            there = needles.found(opened.file(path)) | needles.found([path.name.encode("utf-8", "surrogateescape")])
        except FileNotFoundError:  # whoever works meanwhile has just removed it
            continue
        except OSError as closed:
            unread.append(f"{path}: {closed.strerror}")
            continue
        unread += [f"{path}: {why}" for why in opened.unread]
        if there:
            found[str(path)] = len(there)
    if database is not None and not database.is_sqlite:
        found |= {f"table {name}": n for name, n in _in_tables(database, needles)}
    return Remains(
        looked_for=len(needles.texts),
        too_short=len(every) - len(needles.texts),
        files=number,
        bytes=size,
        found=found,
        unread=tuple(unread),
    )


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file, once."""
    seen = set[Path]()
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file() and (real := path.resolve()) not in seen:
                seen.add(real)
                yield path


def _in_tables(database: Database, needles: Needles) -> Iterator[tuple[str, int]]:
    """(table, how many of the texts are in its rows)."""
    with database.read() as connection:
        for table in tables.METADATA.sorted_tables:
            values = (value for row in raw_rows(connection, table) for value in row.values())
            if there := needles.found(_as_bytes(values)):
                yield table.name, len(there)


def _as_bytes(values: Iterable[object]) -> Iterator[bytes]:
    for value in values:
        if isinstance(value, str | bytes | memoryview):
            yield value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
            yield b"\x00"
