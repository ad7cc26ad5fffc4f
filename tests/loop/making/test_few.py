"""A few examples become a version that is served: the same answers as the method gives, and on the built-in model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.config.schema import Config, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.loop.making.few import from_few, shots_of
from homeostat.loop.making.rebuild import way
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.train.few.shot import few_shot
from homeostat.train.few.shots import Reader
from homeostat.types.dataset import Dataset, Example
from homeostat.types.task import Kind
from homeostat.types.version import HEAD, State
from loop.domains import right
from shown import Shown

LABELS = tuple(tiny.WORDS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A project on the built-in model, with a task that nobody answers yet."""
    folder = tmp_path_factory.mktemp("few")
    opened = Workshop.open(Config(project="p", folder=str(folder), tasks={"routing": Tasks(instruction="route")}))
    yield opened
    opened.close()


def kept(shop: Workshop, rows: list[Example], name: str) -> Dataset:
    curated = Curated(examples=tuple(rows), labels=LABELS)
    return store_dataset(shop.store, curated, task="routing", turn=name, now=3.0)


def test_a_version_that_answers_as_the_method_does(shop: Workshop, shown: Shown) -> None:
    """Five examples of each of five labels: the version replies what `few_shot` says, text by text, far above what the
    names alone tell; its confidence is a probability that means something; it is a candidate and made once.
    """
    task, rows = shop.config.task("routing"), tiny.examples(LABELS, each=5, seed=31)
    shots = shots_of(task, rows, LABELS)
    dataset = kept(shop, rows, "five")
    made = from_few(shop, task, dataset, shots)
    assert (made.kind, made.state, made.labels, made.recipe["name"]) == (HEAD, State.CANDIDATE, LABELS, "few")
    assert from_few(shop, task, dataset, shots) == made
    pairs = [(text, label) for label in LABELS for text in tiny.texts(label, 30, 77)]
    texts, target = [text for text, _ in pairs], [label for _, label in pairs]
    reader = Reader.of(shop.config.model.weights, instruction="route")
    told = few_shot(reader, [(row.text, row.target) for row in rows], labels=LABELS).label(texts)
    replies = shop.answers(task, made, texts)
    assert [reply.text for reply in replies] == told
    names = few_shot(reader, [], labels=LABELS).label(texts)
    mine, bare = ([float(a == b) for a, b in zip(said, target, strict=True)] for said in (told, names))
    shown.within(
        "share of unseen rows told right with five examples of each, more than by names alone", paired(mine, bare)
    )
    sure = np.array([reply.confidence for reply in replies])
    assert abs(sure.mean() - np.mean(mine)) < 0.25
    assert shop.store.verify() == []


def test_names_can_be_left_out(shop: Workshop) -> None:
    """Where names mean nothing; then a label without an example is refused, and with names it may have none."""
    task, rows = shop.config.task("routing"), tiny.examples(LABELS[:4], each=2, seed=32)
    assert len(shots_of(task, rows, LABELS).texts) == len(rows) + 5
    with pytest.raises(NothingToTrainOn, match=LABELS[4]):
        shots_of(task, rows, LABELS, names=False)
    with pytest.raises(UnsuitedModel):
        shots_of(replace(task, kind=Kind.TEXT), rows, LABELS)
    made = from_few(shop, task, kept(shop, rows, "two"), shots_of(task, rows, LABELS[:4], names=False), names=False)
    assert made.recipe["names"] is False
    texts = tiny.texts(LABELS[0], 20, 78)
    assert np.mean(right(shop, made, texts, [LABELS[0]] * 20)) > 0.4


def test_what_is_known_of_it_afterwards(shop: Workshop) -> None:
    """It is made again of what is left of its rows, and of all of them byte by byte; where what labels are called
    counts no longer, another one comes out.
    """
    rows = tiny.examples(LABELS, each=2, seed=33)
    task = shop.config.task("routing")
    made = from_few(shop, task, kept(shop, rows, "again"), shots_of(task, rows, LABELS))
    assert way(shop, made, {made.id: made.dataset}).begins is None
    found = reproduce(shop, made)
    assert found.same, found
    assert not reproduce(shop, replace(made, recipe={**made.recipe, "names": False})).same
    assert found.threads == made.cost["threads"]
    assert reproduce(shop, replace(made, cost={"threads": 2.0})).threads == 2
    assert reproduce(shop, replace(made, cost={})).threads == shop.config.model.threads  # one from before it was kept
    assert (Path(shop.store.blobs.folder(made.blob)) / "exact.safetensors").exists()
