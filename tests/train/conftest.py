"""Tiny models, saved once for all tests of the room, and a way to train on them in a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train

QUICK = Recipe(lr=1e-2, epochs=6, batch_rows=12, looks=6, patience=6, warm_up=0.1)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session")
def packed(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in four bits."""
    return tiny.four_bits(tmp_path_factory.mktemp("packed"), llama)


@pytest.fixture
def order(llama: Path, tmp_path: Path) -> Order:
    """60 rows of 3 labels, the tiny decoder, a quick recipe."""
    return Order(
        task=tiny.ROUTING,
        start=Start(base=str(llama)),
        examples=tiny.examples(),
        labels=tiny.LABELS,
        recipe=QUICK,
        folder=tmp_path / "run",
    )


@pytest.fixture(scope="session")
def champion(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """The tiny decoder with an adapter that knows the three labels."""
    order = Order(
        task=tiny.ROUTING,
        start=Start(base=str(llama)),
        examples=tiny.examples(each=60),
        labels=tiny.LABELS,
        recipe=replace(QUICK, lr=5e-3, epochs=12),
        folder=tmp_path_factory.mktemp("champion"),
    )
    return start_of(train(order), llama)


def start_of(trained: Trained, base: Path) -> Start:
    return Start(base=str(base), folder=trained.weights, kind=trained.kind, labels=trained.labels)


@pytest.fixture
def watched(order: Order) -> Callable[..., tuple[Trained, list[dict[str, float]]]]:
    """Trains a changed order; what it left, and what it reported."""

    def run(**changes: Any) -> tuple[Trained, list[dict[str, float]]]:
        seen: list[dict[str, float]] = []
        return train(replace(order, report=seen.append, **changes)), seen

    return run
