"""Reads texts that nobody has labeled: plain files, lines of them, or JSON lines; plain, gzipped or packed with xz."""

from __future__ import annotations

import json
from pathlib import Path

from homeostat.collect.text import fault_of
from homeostat.collect.unpacked import text_of
from homeostat.errors import BadStream, EmptyStream

_JSON = (".jsonl", ".jsonl.gz", ".jsonl.xz")
_FIX = 'one JSON object a line with the document under "text"'


def read_documents(path: Path, *, by_line: bool = False) -> list[str]:
    """The documents of a file, in their order.

    Of a file whose name ends in `.jsonl` every line is an object with a `text`; others are passed over in it. Another
    file is one document, or with `by_line` every line of it is one. What is blank is no document.

    Raises:
        BadStream: it cannot be read, is damaged, or a line does not fit.
        NotText: it is not UTF-8.
        EmptyStream: there is no document in it.
    """
    text = text_of(path)
    if path.name.endswith(_JSON):
        lines = [(f"{path} line {k}", line) for k, line in enumerate(text.split("\n"), 1) if line.strip()]
        found = [_document(line, where) for where, line in lines]
    else:
        found = text.split("\n") if by_line else [text]
    found = [document for document in found if document.strip()]
    if not found:
        raise EmptyStream("the file holds no text", where=str(path), fix="give one that does, or leave it out")
    return found


def _document(line: str, where: str) -> str:
    """The text of one JSON line."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as broken:
        raise BadStream(f"not JSON: {broken}", where=where, fix=_FIX) from broken
    text = entry.get("text") if isinstance(entry, dict) else None
    if not isinstance(text, str):
        raise BadStream(f"no text under 'text' in {line:.60}", where=where, fix=_FIX)
    if fault := fault_of(text):
        raise BadStream(f"'text' {fault}", where=where, fix="remove it from the file")
    return text
