"""A small model that has learned to answer from what it is shown, and a few fixed replies; and new replies to learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

import tiny
from homeostat.llm.generate import generate
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.recipe import Recipe
from homeostat.train.run import shown
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective
from homeostat.types.dataset import Example

TEMPLATE = "{request} ={reply}"
TOPICS = tuple(tiny.WORDS)
OLD, NEW = TOPICS[:3], TOPICS[3:]
WORDS = [word for topic in TOPICS for word in tiny.WORDS[topic]]
RECIPE = Recipe(adapt=Full(), lr=3e-3, epochs=1, batch_rows=32, looks=4, patience=9, warm_up=0.05, held_out=0.0)
MOST = 8


def said(seed: int) -> dict[str, str]:
    """Topic -> the reply to it: three words, drawn."""
    draw = torch.Generator().manual_seed(seed)
    return {topic: words(draw) for topic in TOPICS}


def words(draw: torch.Generator, count: int = 3) -> str:
    return " ".join(WORDS[k] for k in torch.randint(len(WORDS), (count,), generator=draw).tolist())


def rows(topics: tuple[str, ...], each: int, seed: int, replies: dict[str, str]) -> list[Sample]:
    """Requests of topics with their replies, which can be shown too."""
    renderer, made = Renderer(tiny.chat_tokenizer()), []
    for topic in topics:
        for text in tiny.texts(topic, each, seed):
            example = Example(text=text, target=replies[topic])
            plain = renderer.example(tiny.REPLIES, text, renderer.target(example.target))
            made.append(Sample(plain, shown=shown(tiny.REPLIES, renderer, example, TEMPLATE)))
    return made


def copies(count: int, seed: int) -> list[Sample]:
    """Requests of all topics that are shown a reply of random words, which is the right one then."""
    draw, renderer, made = torch.Generator().manual_seed(seed), Renderer(tiny.chat_tokenizer()), []
    for k in range(count):
        example = Example(text=tiny.texts(TOPICS[k % len(TOPICS)], 1, seed + k)[0], target=words(draw))
        prompt = shown(tiny.REPLIES, renderer, example, TEMPLATE)
        made.append(Sample(replace(renderer.example(tiny.REPLIES, "", renderer.target(example.target)), prompt=prompt)))
    return made


@dataclass(frozen=True, slots=True)
class School:
    """A model that can be shown, its folder, and what is right."""

    folder: Path
    replies: dict[str, str]


def school(folder: Path, seed: int, *, steps: int = 1500, copying: bool = True) -> School:
    """Teach a small model the old replies, and to answer as it is shown."""
    replies = said(seed)
    opened = open_model(str(tiny.llama(folder / "raw", hidden=64, layers=3, seed=seed)))
    plain = rows(OLD, 8 * steps // 3, 50 + seed, replies)
    asked = copies(24 * steps, 90_000 * (seed + 1)) if copying else []
    learned(opened, [*plain, *asked], Completion(), RECIPE)
    opened.model.save_pretrained(folder)
    opened.tokenizer.save_pretrained(folder)
    return School(folder, replies)


def learned(opened: Opened, train: list[Sample], objective: Objective, recipe: Recipe) -> None:
    """Train all weights of a model in its place."""
    recipe = replace(recipe, objective=objective)
    ground = Ground(opened=opened, train=train, bfloat16=False, seed=recipe.seed)
    fit(Job(ground=ground, parameters=recipe.adapt.attach(opened.model), recipe=recipe))


@torch.no_grad()
def right(opened: Opened, asked: list[Sample], *, show: bool = False) -> list[float]:
    """1 for each request that is answered word by word as it should be, else 0."""
    prompts = [s.shown if show else s.rendered.prompt for s in asked]
    replies = generate(opened, prompts, most=MOST).tokens
    return [float(tuple(reply) == s.rendered.completion) for reply, s in zip(replies, asked, strict=True)]
