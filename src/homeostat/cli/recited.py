"""Rows that a version is asked to recite, as JSON lines: read from a file, and written to one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from homeostat.errors import BadStream, NotText
from homeostat.loop.asking.leaks import Told

_SHAPE = 'write {"text": "…", "reply": "…"}, and "whose" where rows belong together'


def read_told(file: Path) -> list[Told]:
    """Requests with their right replies, in the order of a file.

    Raises:
        BadStream: it cannot be read, holds no line, or a line is no request with its reply.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadStream(f"cannot be read: {problem}", where=str(file)) from None
    found = [_told(line, f"{file} line {k}") for k, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise BadStream("there is no row in it", where=str(file), fix=_SHAPE)
    return found


def lines_of(rows: Sequence[Told]) -> str:
    """Rows as JSON lines."""
    return "".join(map(_line, rows))


def write_told(file: Path, rows: Sequence[Told]) -> None:
    """Write rows to a file that nobody but its owner may read.

    Raises:
        NotText: it cannot be written.
    """
    try:
        file.touch(mode=0o600)
        file.write_text(lines_of(rows), encoding="utf-8")
    except OSError as problem:
        raise NotText(f"cannot be written: {problem.strerror}", where=str(file)) from None


def _line(row: Told) -> str:
    return json.dumps(dict(zip(("text", "reply", "whose"), row, strict=True)), ensure_ascii=True) + "\n"


def _told(line: str, where: str) -> Told:
    try:
        given = json.loads(line)
        text, reply, whose = given["text"], given["reply"], given.get("whose", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadStream("no request with its reply", where=where, fix=_SHAPE) from None
    if not all(isinstance(value, str) for value in (text, reply, whose)):
        raise BadStream("a request and its reply are texts", where=where, fix=_SHAPE)
    return text, reply, whose
