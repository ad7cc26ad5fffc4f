"""What is to be read, as the command line names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.scenes import request
from homeostat.cli.shelf import read_sources
from homeostat.config.load import load
from homeostat.errors import BadStream, EmptyStream, UnknownKey
from homeostat.loop.workshop import Workshop


@pytest.fixture
def opened(small: Path) -> Iterator[Workshop]:
    shop = Workshop.open(load(small))
    yield shop
    shop.close()


def test_files_lines_and_logs(opened: Workshop, tmp_path: Path) -> None:
    """A file is a document, lines are documents where that is said, a log's requests are; `general:` goes before any
    of them and keeps them apart.
    """
    for k in range(3):
        request(opened.store, k, "ver_old")
    plain, lines = tmp_path / "a.txt", tmp_path / "b.jsonl"
    plain.write_text("one\ntwo\n")
    lines.write_text(json.dumps({"text": "three"}) + "\n")
    domain, general = read_sources(opened, [str(plain), f"lines:{plain}", "log:routing", f"general:lines:{plain}"])
    assert domain[:3] == ["one\ntwo\n", "one", "two"]
    assert len(domain) == 3 + 3
    assert general == ["one", "two"]
    assert read_sources(opened, [str(lines)]) == (["three"], [])


def test_what_is_not_there(opened: Workshop, tmp_path: Path) -> None:
    """A file or a task that is not there, a log without requests, and general texts alone are refused by name."""
    file = tmp_path / "a.txt"
    file.write_text("one")
    with pytest.raises(BadStream, match="cannot be read"):
        read_sources(opened, [str(tmp_path / "nowhere.txt")])
    with pytest.raises(UnknownKey, match="routin"):
        read_sources(opened, ["log:routin"])
    with pytest.raises(EmptyStream, match="no requests"):
        read_sources(opened, ["log:routing"])
    with pytest.raises(EmptyStream, match="general"):
        read_sources(opened, [f"general:{file}"])
