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
from homeostat.errors import NotFound, NothingToTrainOn, UnsuitedModel
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
