"""What models came to, kept by id without their weights: those fill disks and are thrown away, figures are not.

A bench that asks for a model which is on record is told its cost and its answers, and trains nothing; so a run may be
spread over days and machines, a few models at a time. The id is a hash of all that makes a model, and the code is not
part of it: every record names the code that made it (`Lab.foreign`).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One model."""

    name: str
    """Seed, arm and turn, for people."""
    kind: str
    rows: int
    cost: dict[str, float]
    code: str
    right: str
    """Which rows it was asked and which of them it got right (`pack`)."""


class Ledger:
    """Records of a stream's models in one file, a line each; several processes may write. None keeps nothing."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._records = _read(file)

    def get(self, id: str) -> Record | None:
        """What is on record of a model."""
        return self._records.get(id)

    def lacks(self, id: str) -> bool:
        """Whether a model would be put on record if it were told."""
        return self.file is not None and id not in self._records

    def put(self, id: str, record: Record) -> None:
        """Write one down, in place of what was there."""
        if self.file is None:
            return
        with _alone(self.file):
            self._records = {**_read(self.file), id: record}
            lines = [json.dumps({"id": key, **asdict(one)}) for key, one in sorted(self._records.items(), key=_place)]
            draft = self.file.with_suffix(".draft")
            draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
            draft.replace(self.file)


def pack(right: Mapping[int, bool]) -> str:
    """Numbers of rows and whether each was answered right, as text: two bits a row, deflated."""
    bits = bytearray(max(right, default=-1) + 1)
    for index, good in right.items():
        bits[index] = 1 + good
    fours = bytes(sum(value << 2 * k for k, value in enumerate(bits[at : at + 4])) for at in range(0, len(bits), 4))
    return base64.b64encode(zlib.compress(fours, 9)).decode()


def unpack(packed: str) -> dict[int, bool]:
    """The same back."""
    fours = zlib.decompress(base64.b64decode(packed))
    found = ((4 * at + k, byte >> 2 * k & 3) for at, byte in enumerate(fours) for k in range(4))
    return {index: value == 2 for index, value in found if value}


def _read(file: Path | None) -> dict[str, Record]:
    if file is None or not file.exists():
        return {}
    lines = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return {line.pop("id"): Record(**line) for line in lines}


def _place(kept: tuple[str, Record]) -> tuple[str, str]:
    return kept[1].name, kept[0]


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """While no other process writes the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
