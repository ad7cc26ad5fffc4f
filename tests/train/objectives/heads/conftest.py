"""Rows whose answers are planted in the hidden states of a model, for heads to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import tiny
from homeostat.llm.forward import predict
from homeostat.llm.head import Head, Shape, put_head
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step
from homeostat.types.task import Task

Floats = NDArray[np.float64]
TASK = Task(name="head")
Loss = Callable[[Opened, Head, Objective, list[Sample]], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Planted:
    """Texts, and linear functions of the states that a model reads them with."""

    base: str
    texts: list[str]
    states: Floats
    """float[texts, hidden], each of mean 0 and spread 1: means over the prompts."""

    def numbers(self, seed: int) -> Floats:
        """float[texts]: a drawn direction of the states, of spread 1."""
        drawn = np.random.default_rng(seed).standard_normal(self.states.shape[1])
        found: Floats = self.states @ drawn
        return found / found.std()


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """400 texts, read by the tiny decoder."""
    base = str(tiny.llama(tmp_path_factory.mktemp("planted"), hidden=24, layers=1))
    opened = open_model(base)
    texts = list(dict.fromkeys(t for label in tiny.WORDS for t in tiny.texts(label, 80, 11)))
    renderer = Renderer(opened.tokenizer)
    with torch.no_grad():
        rows = [Rendered(renderer.prompt(TASK, text), (0,)) for text in texts]
        states = predict(opened, rows).pooled.double().numpy()
    return Planted(base, texts, (states - states.mean(0)) / states.std(0))


@pytest.fixture
def decoder(tmp_path: Path) -> Opened:
    """A small decoder of its own for each test."""
    return open_model(str(tiny.llama(tmp_path / "llama")))


@pytest.fixture
def loss() -> Loss:
    """Our loss of rows, with a head on a model: `(opened, head, objective, rows)`."""

    def of(opened: Opened, head: Head, objective: Objective, rows: list[Sample]) -> torch.Tensor:
        put_head(opened.model, head)
        ground = Ground(opened=opened, train=rows, bfloat16=False)
        return objective.begin(ground)(Step(ground, rows))

    return of


def head(form: str, names: int, score: nn.Linear) -> Head:
    """A head that looks at the last state with these weights."""
    made = Head(Shape(form=form, names=tuple("abcdefgh"[:names]), pool="last"), score.in_features)
    with torch.no_grad():
        last = made.layers[-1]
        assert isinstance(last, nn.Linear)
        last.weight.copy_(score.weight)
    return made
