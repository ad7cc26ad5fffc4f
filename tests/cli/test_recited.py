"""Rows that a version is asked to recite, in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.cli.recited import read_told, write_told
from homeostat.errors import BadStream, NotText

ROWS = [("code ?", "it is 4829", "user ann"), ("line\nbreak ü", "two\u2028lines", ""), ("lone \ud800", "x", "")]


def test_there_and_back(tmp_path: Path) -> None:
    """Whatever stands in them."""
    write_told(tmp_path / "rows.jsonl", ROWS)
    assert read_told(tmp_path / "rows.jsonl") == ROWS


def test_whose_they_are_may_be_left_out(tmp_path: Path) -> None:
    """And empty lines; what is wrong is told by its line."""
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a", "reply": "b"}\n\n')
    assert read_told(file) == [("a", "b", "")]
    file.write_text('{"text": "a", "reply": "b"}\n{"text": "a"}\n')
    with pytest.raises(BadStream, match="no request with its reply") as told:
        read_told(file)
    assert "line 2" in str(told.value)
    with pytest.raises(NotText, match="cannot be written"):
        write_told(tmp_path / "gone" / "rows.jsonl", ROWS)
