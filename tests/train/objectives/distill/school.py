"""A teacher that has learned a task, and a student of a third of its width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective

NOISE = 0.3
RECIPE = Recipe(adapt=Full(), lr=3e-3, epochs=20, batch_rows=12, looks=10, patience=10, warm_up=0.1)
BRIEF = replace(RECIPE, epochs=6, looks=3)
REPLIES = {
    "refund_request": "we send the money back to your card",
    "late_delivery": "the parcel is with the courier since today",
    "broken_pump": "we send you another pump",
}


def labeled(each: int, seed: int, noise: float = 0.0) -> list[Sample]:
    """Requests and their labels, a share of which was drawn by chance."""
    renderer, chance = Renderer(tiny.chat_tokenizer()), torch.Generator().manual_seed(seed)
    codes = encode_labels(renderer.tokenizer, tiny.LABELS).sequences
    made = []
    for row in tiny.examples(each=each, seed=seed):
        right, other = tiny.LABELS.index(row.target), int(torch.randint(3, (1,), generator=chance))
        given = other if float(torch.rand(1, generator=chance)) < noise else right
        made.append(Sample(renderer.example(tiny.ROUTING, row.text, codes[given])))
    return made


def replied(each: int, seed: int) -> list[Sample]:
    """Requests and replies in words."""
    renderer = Renderer(tiny.chat_tokenizer())
    rows = tiny.examples(each=each, seed=seed)
    return [Sample(renderer.example(tiny.REPLIES, row.text, renderer.target(REPLIES[row.target]))) for row in rows]


def ground(model: Path, rows: list[Sample], teacher: Opened | None = None, *, labels: bool = True) -> Ground:
    """What a run stands on, its held-out rows of the same kind and never trained on."""
    opened = open_model(str(model))
    codes = torch.tensor([s[0] for s in encode_labels(opened.tokenizer, tiny.LABELS).sequences])
    unseen = labeled(20, 99) if labels else replied(20, 99)
    return Ground(
        opened=opened,
        train=rows,
        held_out=unseen,
        allowed=codes if labels else None,
        teacher=teacher,
        bfloat16=False,
    )


def taught(on: Ground, objective: Objective | None = None, recipe: Recipe = RECIPE) -> Ground:
    """The same after training, all weights, on its rows."""
    recipe = replace(recipe, objective=objective or Completion())
    parameters = recipe.adapt.attach(on.opened.model)
    fit(Job(ground=on, parameters=parameters, recipe=recipe))
    return on


def teacher(folder: Path, *, labels: bool = True) -> Opened:
    """A model three times as wide that has seen ten times the rows, three labels in ten of which are random."""
    rows = labeled(200, 5, NOISE) if labels else replied(80, 5)
    return taught(ground(tiny.llama(folder, hidden=96, seed=3), rows, labels=labels), recipe=BRIEF).opened


def student(folder: Path) -> Path:
    """A small model that knows nothing."""
    return tiny.llama(folder, hidden=32, seed=4)
