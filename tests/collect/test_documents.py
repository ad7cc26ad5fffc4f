"""Texts that nobody has labeled, from files."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from homeostat.collect.documents import read_documents
from homeostat.errors import BadStream, EmptyStream

LINES = ["one text", "another, länger"]


def test_a_file_is_one_document_or_every_line_is(tmp_path: Path) -> None:
    """A plain file is one document with its lines in it; by line, those that are not blank are documents."""
    file = tmp_path / "a.txt"
    file.write_text("\n\n".join(LINES) + "\n", encoding="utf-8")
    assert read_documents(file) == ["\n\n".join(LINES) + "\n"]
    assert read_documents(file, by_line=True) == LINES


@pytest.mark.parametrize(("end", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)])
def test_json_lines(tmp_path: Path, end: str, pack: type[bytes]) -> None:
    """The text of every object, packed or not; other keys are passed over, blank texts are none."""
    file = tmp_path / f"a.jsonl{end}"
    rows = [{"text": text, "label": "x"} for text in (*LINES, "  ")]
    file.write_bytes(pack("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert read_documents(file) == LINES


@pytest.mark.parametrize(
    ("line", "says"),
    [("{", "not JSON"), ('{"txt": "a"}', "no text"), ("[1]", "no text"), ('{"text": "\\ud800"}', "surrogate")],
)
def test_a_bad_line_is_told_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    """A line that cannot be taken is refused with its number and what is wrong with it."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(BadStream, match=says) as caught:
        read_documents(file)
    assert str(caught.value.where).endswith("line 2")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_an_empty_file_is_told(tmp_path: Path, name: str) -> None:
    """A file without a text is refused rather than passed over."""
    (tmp_path / name).write_text(" \n\n")
    with pytest.raises(EmptyStream, match="no text"):
        read_documents(tmp_path / name)
