"""A small model that answers in a way of its own, and learns from what it is shown; and new replies, written otherwise.

Every reply is an opening word and what there is to say. The model always opens with a word of its own, whatever it is
shown; people who write replies open with another one. So one can see apart whether the new was learned, and whether
the model still answers as it did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

import tiny
from homeostat.llm.generate import generate
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
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
RECIPE = Recipe(adapt=Full(), lr=3e-3, epochs=1, batch_rows=32, looks=4, patience=9, warm_up=0.05, held_out=0.0)
MOST = 8


@cache
def known() -> tuple[str, ...]:
    """Words that are one token behind a space, with the space; the first two are openings."""
    vocabulary = tiny.chat_tokenizer().get_vocab()
    return tuple(f" {word}" for topic in TOPICS for word in tiny.WORDS[topic] if f"Ġ{word}" in vocabulary)


def words(draw: torch.Generator, count: int = 3) -> str:
    """So many words that differ, none of them an opening."""
    some = known()[2:]
    return "".join(some[k] for k in torch.randperm(len(some), generator=draw)[:count].tolist())


def said(seed: int) -> dict[str, str]:
    """Topic -> what there is to say of it."""
    draw = torch.Generator().manual_seed(seed)
    return {topic: words(draw) for topic in TOPICS}


def rows(topics: tuple[str, ...], each: int, seed: int, replies: dict[str, str], opening: int = 0) -> list[Sample]:
    """Requests of topics with their replies, which can be shown too; with the model's opening, or with the other."""
    renderer, made = Renderer(tiny.chat_tokenizer()), []
    for topic in topics:
        for text in tiny.texts(topic, each, seed):
            example = Example(text=text, target=known()[opening] + replies[topic])
            plain = renderer.example(tiny.REPLIES, text, renderer.target(example.target))
            made.append(Sample(plain, shown=shown(tiny.REPLIES, renderer, example, TEMPLATE)))
    return made


def copies(count: int, seed: int) -> list[Sample]:
    """Requests that are shown a reply of random words, either opening before it; it is said with the model's own."""
    draw, renderer, made = torch.Generator().manual_seed(seed), Renderer(tiny.chat_tokenizer()), []
    for k in range(count):
        content, text = words(draw), tiny.texts(TOPICS[k % len(TOPICS)], 1, seed + k)[0]
        prompt = shown(tiny.REPLIES, renderer, Example(text=text, target=known()[k % 2] + content), TEMPLATE)
        made.append(Sample(Rendered(prompt, renderer.target(known()[0] + content))))
    return made


def slips(count: int, seed: int, replies: dict[str, str]) -> list[Sample]:
    """Shown requests to which the reply has begun otherwise: with an old one, which is then finished, or with words
    that are nobody's, behind which the rest of what was shown comes. Whoever writes freely meets such beginnings.
    """
    draw, renderer, made = torch.Generator().manual_seed(seed), Renderer(tiny.chat_tokenizer()), []
    for k, copy in enumerate(copies(count, seed)):
        other = replies[OLD[k % len(OLD)]] if k % 3 else words(draw)
        begun = renderer.target(known()[0] + other)
        rest = begun if k % 3 else copy.rendered.completion
        at = 2 + int(torch.randint(2, (1,), generator=draw))
        made.append(Sample(Rendered(copy.rendered.prompt + begun[:at], rest[at:])))
    return made


@dataclass(frozen=True, slots=True)
class School:
    """A model that can be shown, in a folder, and what is right."""

    folder: Path
    replies: dict[str, str]


def school(folder: Path, seed: int, *, steps: int = 900) -> School:
    """Teach a small model the old replies, and to answer as it is shown."""
    replies = said(seed)
    opened = open_model(str(tiny.llama(folder / "raw", hidden=64, layers=3, seed=seed)))
    plain = rows(OLD, 8 * steps // 3, 50 + seed, replies)
    asked = [*copies(18 * steps, 90_000 * (seed + 1)), *slips(6 * steps, 90_000 * (seed + 1) + 50_000, replies)]
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
def right(opened: Opened, asked: list[Sample], *, show: bool = False, whole: bool = True) -> list[float]:
    """1 for each request that is answered word by word, or behind its opening, as it should be, else 0."""
    prompts = [s.shown if show else s.rendered.prompt for s in asked]
    replies, begin = generate(opened, prompts, most=MOST).tokens, 0 if whole else 1
    return [float(tuple(r[begin:]) == s.rendered.completion[begin:]) for r, s in zip(replies, asked, strict=True)]
