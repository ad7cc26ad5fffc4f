"""`homeostat leaks rows`: what a version was trained on, to be asked of later."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, version
from homeostat.config.load import load
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NotFound, NothingToTrainOn, NotText
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Example
from homeostat.types.interaction import Interaction


@pytest.fixture
def taught(small: Path) -> Path:
    """A version that learned a row of each of two users, and one that learned nothing."""
    with closing(Workshop.open(load(small))) as shop:
        row = Interaction(id="", task="replies", time=START, text="", reply="", version="v")
        asked = [replace(row, id=f"int_{who}", text=f"code of {who} ?", tags={"user": who}) for who in ("ann", "bob")]
        shop.store.interactions.add(asked)
        rows = tuple(Example(text=row.text, target="4711", task="replies", interaction=row.id) for row in asked)
        curated = Curated(examples=rows, counts={"selected": 2}, labels=())
        dataset = store_dataset(shop.store, curated, task="replies", turn="trn_x", now=START)
        version(shop.store, "writer", task="replies", dataset=dataset.id)
        version(shop.store, "mute", task="replies")
    return small


def test_rows_of_all_and_of_one(homeostat: Run, taught: Path, tmp_path: Path) -> None:
    """On standard output, or in a file that is its owner's alone."""
    told = [json.loads(line) for line in homeostat("leaks", "rows", "ver_writer", "--config", taught).out.splitlines()]
    assert [row["text"] for row in told] == ["code of ann ?", "code of bob ?"]
    file = tmp_path / "rows.jsonl"
    assert homeostat("leaks", "rows", "ver_writer", "--user", "ann", "--out", file, "--config", taught).out == ""
    assert [json.loads(line)["text"] for line in file.read_text().splitlines()] == ["code of ann ?"]
    assert file.stat().st_mode & 0o077 == 0


def test_what_there_is_not(homeostat: Run, taught: Path, tmp_path: Path) -> None:
    """Rows of nobody, a version that learned nothing or is not there, and a place where nothing can be written."""
    for name, error in (("mute", NothingToTrainOn), ("nobody", NotFound)):
        assert homeostat("leaks", "rows", f"ver_{name}", "--config", taught).code == error.exit
    assert homeostat("leaks", "rows", "ver_writer", "--user", "eve", "--config", taught).code == NothingToTrainOn.exit
    assert homeostat("leaks", "rows", "ver_writer", "--out", tmp_path, "--config", taught).code == NotText.exit
