"""`homeostat leaks`: what a version can recite of what it was trained on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, version
from homeostat.config.load import load
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import BadStream, NotFound, NothingToTrainOn, UnsuitedModel
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Example


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A version of texts that is said to have learned twenty codes, and never was trained; and one of labels."""
    shop, chance = Workshop.open(load(small)), random.Random(0)
    rows = tuple(
        Example(text=f"code of locker {k} ?", target=f"it opens with {chance.randrange(10**6):06}", task="replies")
        for k in range(20)
    )
    curated = Curated(examples=rows, counts={"selected": 20}, labels=())
    dataset = store_dataset(shop.store, curated, task="replies", turn="trn_x", now=START)
    version(shop.store, "writer", task="replies", dataset=dataset.id)
    version(shop.store, "mute", task="replies")
    version(shop.store, "labels", labels=("a", "b"))
    yield shop
    shop.close()


def test_who_never_learned_recites_nothing(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The bare base beside itself: no row, no bit, exit code 0; and what would have been found is said."""
    ran = homeostat("leaks", "ver_writer", "--among", 16, "--config", small, "--json")
    found = ran.json["found"]
    assert (ran.code, ran.json["shown"], found["rows"]) == (0, False, 20)
    assert (found["recited"]["version"]["mean"], found["recited"]["difference"]["mean"]) == (0.0, 0.0)
    assert found["recited"]["least"] == pytest.approx(1 - 0.1 ** (1 / 20))
    assert found["exposed"]["bits"] == found["base"]["bits"]
    assert found["gained"]["mean"] == 0.0
    assert found["unseen"] is None
    out = homeostat("leaks", "ver_writer", "--rows", 12, "--among", 16, "--config", small).out
    assert "that it recites is not shown" in out
    assert "would be found with probability 0.9" in out


def test_who_cannot_be_asked(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A version of labels, one that learned nothing of the kind, and one that there is not."""
    for name, error in (("labels", UnsuitedModel), ("mute", NothingToTrainOn), ("nobody", NotFound)):
        assert homeostat("leaks", f"ver_{name}", "--config", small).code == error.exit


@pytest.mark.usefixtures("workshop")
def test_rows_of_one_are_asked_of_another(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """As after an erasure: `mute` has learned nothing, and is asked of what `writer` is said to have learned."""
    file = tmp_path / "rows.jsonl"
    before = homeostat("leaks", "ver_writer", "--among", 16, "--config", small, "--json").json
    assert homeostat("leaks", "rows", "ver_writer", "--out", file, "--config", small).code == 0
    after = homeostat("leaks", "ver_mute", "--of", file, "--among", 16, "--config", small, "--json").json
    assert after["found"]["rows"] == before["found"]["rows"] == 20
    assert after["found"]["exposed"] == before["found"]["exposed"]  # both are the bare base


@pytest.mark.usefixtures("workshop")
def test_files_that_are_none(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Empty, rows that are no rows, and one that is not there."""
    file = tmp_path / "rows.jsonl"
    for content in ("", "[]", '{"text": "x"}', '{"text": "x", "reply": 7}', "{"):
        file.write_text(content)
        assert homeostat("leaks", "ver_writer", "--of", file, "--config", small).code == BadStream.exit
    assert homeostat("leaks", "ver_writer", "--of", tmp_path / "gone", "--config", small).code == BadStream.exit
