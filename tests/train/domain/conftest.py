"""A domain and general texts that a tiny model can read in a moment."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from homeostat.config.schema import Train
from homeostat.train.domain.pretrain import Reading
from homeostat.train.named import named
from homeostat.train.recipe import Recipe

TERMS = ["hydraulic", "manifold", "actuator", "cavitation", "impeller", "solenoid", "viscosity", "bearing"]
RECIPE = replace(named("domain", Train()), lr=3e-3, epochs=2.0, batch_rows=8, looks=4)


def sentences(words: list[str], count: int, seed: int) -> list[str]:
    """Documents in which every word is followed by one of two others, so that there is something to learn."""
    draw = random.Random(seed)
    after = {word: random.Random(word).sample(words, 2) for word in words}
    made = []
    for _ in range(count):
        text = [draw.choice(words)]
        while len(text) < 12:
            text.append(draw.choice(after[text[-1]]))
        made.append(" ".join(text))
    return made


def domain(count: int = 300, seed: int = 0) -> list[str]:
    return sentences(TERMS, count, seed)


def general(count: int = 300, seed: int = 0) -> list[str]:
    return sentences([word for topic in tiny.LABELS for word in tiny.WORDS[topic]], count, seed)


@pytest.fixture
def reading(llama: Path, draw: int, tmp_path: Path) -> Callable[..., Reading]:
    """A reading of the domain by the tiny decoder, changed as a test wants it."""

    def make(recipe: Recipe = RECIPE, **changes: Any) -> Reading:
        given: dict[str, Any] = {"base": str(llama), "domain": domain(seed=10 * draw), "workspace": tmp_path / "run"}
        return Reading(recipe=recipe, **(given | changes))

    return make
