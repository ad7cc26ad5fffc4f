"""Tiny models, saved once for all tests of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny
from homeostat.llm.load import Opened, open_model
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def packed(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in four bits."""
    return tiny.four_bits(tmp_path_factory.mktemp("packed"), llama)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture(scope="session")
def decoder(llama: Path) -> Opened:
    return open_model(str(llama))


@pytest.fixture(scope="session")
def adapters(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two adapters of the tiny decoder that answer differently: after a few steps from two seeds."""
    folders = []
    for seed in (1, 2):
        order = Order(
            task=tiny.ROUTING,
            start=Start(base=str(llama)),
            examples=tiny.examples(each=8, seed=seed),
            labels=tiny.LABELS,
            recipe=Recipe(lr=2e-2, max_steps=6, looks=1, batch_rows=8, seed=seed),
            folder=tmp_path_factory.mktemp(f"adapter{seed}"),
        )
        folders.append(train(order).weights)
    return folders[0], folders[1]
