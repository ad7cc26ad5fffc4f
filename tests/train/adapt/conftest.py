"""Rows to adapt to, and a short training that heeds a way's tempi."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened
from homeostat.llm.render import Renderer
from homeostat.train.adapt.way import Way
from homeostat.train.objectives.completion import Completion
from homeostat.train.optim import optimizer, steer
from homeostat.train.recipe import Recipe
from homeostat.train.rows import beginnings
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step

Learn = Callable[..., list[float]]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of the tiny decoder."""
    return str(tiny.llama(tmp_path_factory.mktemp("llama")))


def samples(opened: Opened, each: int = 8, seed: int = 0) -> list[Sample]:
    """Labeled sentences, as the model reads them."""
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    of, renderer = dict(zip(tiny.LABELS, codes.sequences, strict=True)), Renderer(opened.tokenizer)
    rows = tiny.examples(each=each, seed=seed)
    return [Sample(renderer.example(tiny.ROUTING, row.text, of[row.target])) for row in rows]


def _learn(
    opened: Opened, way: Way, steps: int = 12, lr: float = 3e-3, rows: Sequence[Sample] = (), start: Path | None = None
) -> list[float]:
    """Train on all rows at once, step after step; the loss before each step and after the last, in nats."""
    rows = rows or samples(opened)
    labels = encode_labels(opened.tokenizer, tiny.LABELS)
    parameters = way.attach(opened.model, start, beginnings(opened, labels))
    way.look(opened, [s.rendered for s in rows])
    recipe, ground = Recipe(adapt=way, lr=lr), Ground(opened=opened, train=rows, bfloat16=False)
    moves, losses = optimizer(parameters, recipe, way.tempi(opened.model)), []
    for number in range(steps + 1):
        steer(moves.param_groups, lr, number / max(steps, 1))
        loss = Completion().begin(ground)(Step(ground, rows, number))
        losses.append(float(loss.detach()))
        if number < steps:
            torch.autograd.backward(loss)
            moves.step()
            moves.zero_grad()
    return losses


@pytest.fixture
def learn() -> Learn:
    """Trains a model in some way: `(opened, way, steps, lr, rows, start)`; its losses in nats."""
    return _learn
