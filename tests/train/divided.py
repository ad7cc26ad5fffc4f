"""A run that several processes can make together: what each of them begins with, from the same few words."""

from __future__ import annotations

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.gang import Gang
from homeostat.train.job import Job
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground


def work(base: str, whole: bool, place: Gang) -> Job:
    """In float32, where the order of a sum changes its last digits alone; the last batch does not divide evenly."""
    recipe = Recipe(adapt=Full() if whole else Lora(rank=4), lr=3e-3, epochs=2, batch_rows=13, looks=2)
    opened = open_model(base)
    parameters = recipe.adapt.attach(opened.model, seed=1)
    renderer, codes = Renderer(opened.tokenizer), encode_labels(opened.tokenizer, tiny.LABELS)
    code = dict(zip(codes.labels, codes.sequences, strict=True))
    rows = [Sample(renderer.example(tiny.ROUTING, row.text, code[row.target])) for row in tiny.examples()]
    ground = Ground(opened=opened, train=rows[:50], held_out=rows[50:], bfloat16=False)
    return Job(ground=ground, parameters=parameters, recipe=recipe, gang=place)


def follow(base: str, whole: bool, place: Gang) -> None:
    """What the other processes do."""
    fit(work(base, whole, place))
