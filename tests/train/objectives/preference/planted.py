"""A preference that can be learned: the reply that belongs to a request is liked, another one is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.preference.likelihood import Pairs, Reference
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step

RECIPE = Recipe(lr=1e-2, epochs=6, batch_rows=12, looks=6, patience=6, warm_up=0.1)


def pairs(each: int = 20, seed: int = 0, flipped: float = 0.0) -> list[Sample]:
    """Requests with the right reply and a wrong one; a share of them the wrong way round."""
    renderer, chance = Renderer(tiny.chat_tokenizer()), torch.Generator().manual_seed(seed)
    codes = encode_labels(renderer.tokenizer, tiny.LABELS).sequences
    made = []
    for row in tiny.examples(each=each, seed=seed):
        right = tiny.LABELS.index(row.target)
        wrong = (right + int(torch.randint(1, 3, (1,), generator=chance))) % 3
        if float(torch.rand(1, generator=chance)) < flipped:
            right, wrong = wrong, right
        better, worse = (renderer.example(tiny.ROUTING, row.text, (*codes[k], *codes[k])) for k in (right, wrong))
        made.append(Sample(better, rejected=worse))
    return made


def thumbs(made: list[Sample]) -> list[Sample]:
    """The replies of pairs one by one: liked, not liked."""
    return [
        Sample(reply, value=value)
        for row in made
        for reply, value in ((row.rendered, 1.0), (row.rejected, 0.0))
        if reply is not None
    ]


def learned(base: Path, objective: Objective, rows: list[Sample], recipe: Recipe = RECIPE) -> Ground:
    """The tiny decoder after training on rows."""
    ground = Ground(opened=open_model(str(base)), train=rows, bfloat16=False)
    parameters = Lora().attach(ground.opened.model)
    fit(Job(ground=ground, parameters=parameters, recipe=replace(recipe, objective=objective)))
    return ground


@torch.no_grad()
def agreement(base: Path, ground: Ground, seed: int = 9) -> tuple[float, float]:
    """On pairs it has not seen: the share of which the better reply gained more than the worse, and by how much it did
    on average, in nats.
    """
    unseen = pairs(each=20, seed=seed)
    before = Ground(opened=open_model(str(base)), train=unseen, bfloat16=False)
    worse = [s.rejected for s in unseen if s.rejected is not None]
    reference = Reference.of(before, [*(s.rendered for s in unseen), *worse])
    said = Pairs.of(Step(ground, unseen))
    margin = reference.gains(said.chosen, [s.rendered for s in unseen]) - reference.gains(said.rejected, worse)
    return float((margin > 0).float().mean()), float(margin.mean())
