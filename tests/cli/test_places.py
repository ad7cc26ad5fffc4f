"""Files that a command is to read, and to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.cli.places import content_of, hold_writable, text_of
from homeostat.errors import NotText


def test_what_can_be_written_passes(tmp_path: Path) -> None:
    """No file, a new one, and one that is there."""
    (tmp_path / "there.svg").write_text("<svg/>")
    hold_writable(None)
    hold_writable(tmp_path / "new.svg")
    hold_writable(tmp_path / "there.svg")
    assert (tmp_path / "there.svg").read_text() == "<svg/>"
    assert not (tmp_path / "new.svg").exists()


def test_what_cannot_is_told_with_the_place(tmp_path: Path) -> None:
    """A folder, and a file in a folder that is not there: nothing is made."""
    for file, why in ((tmp_path, "it is a folder"), (tmp_path / "none" / "page.html", "no such folder")):
        with pytest.raises(NotText, match=why) as caught:
            hold_writable(file)
        assert caught.value.where == str(file)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    """A folder, nothing, and a file that is not UTF-8; a mark of the encoding is no text."""
    (tmp_path / "latin.txt").write_bytes(b"one\nna\xefve\n")
    (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbfone\n")
    for file, why in (
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "none", "cannot be read: No such file"),
    ):
        with pytest.raises(NotText, match=why) as caught:
            content_of(file)
        assert caught.value.where == str(file)
    with pytest.raises(NotText, match="not UTF-8") as strange:
        text_of(tmp_path / "latin.txt")
    assert strange.value.where.endswith("latin.txt line 2")
    assert text_of(tmp_path / "marked.txt") == "one\n"
