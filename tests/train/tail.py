"""A long tail of labels whose requests share their words, as people's do, so that no model tells all of them apart.

Of the words that tell, some belong to another label. What is right is then told by how likely each label is beforehand
as well, and a model that learns from a long tail hardly ever names a rare one: that is what balancing mends. Where
labels can be told apart for sure and passes are many, all rows are learned by heart whatever they weigh, and balancing
changes next to nothing (Byrd and Lipton 2019, 1812.03372).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.order.draw import RowOrder
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step
from train.test_fit import RECIPE

PLAIN = Completion()
LABELS = tuple(tiny.WORDS)
COUNTS = (200, 200, 10, 10, 10)
"""Rows of each label: of the last three one for every twenty of another's."""
RARE = slice(2, None)
OWN = 0.8
"""Share of the words that tell which are the label's own."""
TAIL = replace(RECIPE, adapt=Full(), lr=3e-3, batch_rows=24, epochs=4, looks=1)
"""It is measured where training ends: the best of several looks at rows in which all labels are alike would be chosen
by what nobody has who has a long tail. Passes are few: more of them would learn the rows by heart.
"""


def rows(counts: Sequence[int], seed: int) -> list[Sample]:
    """So many requests of each label, with three words that tell and one to six that do not."""
    renderer, draw = Renderer(tiny.chat_tokenizer()), random.Random(seed)
    codes, made = encode_labels(renderer.tokenizer, LABELS).sequences, []
    for label, code, count in zip(LABELS, codes, counts, strict=True):
        others = [other for other in LABELS if other != label]
        for _ in range(count):
            tell = [draw.choice(tiny.WORDS[label if draw.random() < OWN else draw.choice(others)]) for _ in range(3)]
            words = tell + draw.sample(tiny.FILLER, draw.randint(1, 6))
            draw.shuffle(words)
            made.append(Sample(renderer.example(tiny.ROUTING, " ".join(words), code)))
    return made


@cache
def recall(base: Path, seed: int, objective: Objective = PLAIN, order: RowOrder | None = None) -> tuple[float, float]:
    """Share of unseen rows of the rare labels that is told right, and of all labels', the labels counting alike."""
    opened = open_model(str(base))
    codes = encode_labels(opened.tokenizer, LABELS).sequences
    allowed = torch.tensor([sequence[0] for sequence in codes])
    on = Ground(opened=opened, train=rows(COUNTS, 2 * seed), allowed=allowed, bfloat16=False, seed=seed)
    recipe = replace(TAIL, objective=objective, order=order, seed=seed)
    fit(Job(ground=on, parameters=recipe.adapt.attach(opened.model, seed=seed), recipe=recipe))
    with torch.no_grad():
        step = Step(on, rows([120] * len(LABELS), 2 * seed + 1))
        hit = (step.scores.argmax(1) == step.right).float()
    each = torch.stack([hit[step.right == k].mean() for k in range(len(LABELS))])
    return float(each[RARE].mean()), float(each.mean())
