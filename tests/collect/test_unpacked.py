"""Files that may be packed."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from homeostat.collect.unpacked import text_of
from homeostat.errors import BadStream, NotText

TEXT = "größer\nals zuvor\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_a_file_is_unpacked_whatever_its_name(tmp_path: Path, pack: type[bytes]) -> None:
    """Plain, gzip and xz give the same text; a mark at the beginning is no part of it."""
    file = tmp_path / "anything"
    file.write_bytes(pack(TEXT.encode("utf-8-sig")))
    assert text_of(file) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_damaged_file_is_told(tmp_path: Path, pack: type[bytes]) -> None:
    """Half of a packed file is refused by name."""
    file, whole = tmp_path / "half", pack(TEXT.encode() * 100)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadStream, match="damaged") as caught:
        text_of(file)
    assert caught.value.where == str(file)


def test_what_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused with their line; a file that is not there by its name."""
    file = tmp_path / "latin"
    file.write_bytes(b"first\nsecond \xe4\n")
    with pytest.raises(NotText) as caught:
        text_of(file)
    assert str(caught.value.where).endswith("line 2")
    with pytest.raises(BadStream, match="cannot be read"):
        text_of(tmp_path / "nowhere")
