"""A run that several processes can make together: what each of them begins with, from the same few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.gang import Gang
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.optim import optimizer
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.shares import spread
from homeostat.train.step import Ground, Step


def work(base: str, whole: bool, place: Gang, workspace: Path | None = None, **changes: Any) -> Job:
    """In float32, where the order of a sum changes its last digits alone; the last batch does not divide evenly."""
    recipe = Recipe(adapt=Full() if whole else Lora(rank=4), lr=3e-3, epochs=2, batch_rows=13, looks=2)
    recipe = replace(recipe, **changes)
    opened = open_model(base)
    parameters = recipe.adapt.attach(opened.model, seed=1)
    renderer, codes = Renderer(opened.tokenizer), encode_labels(opened.tokenizer, tiny.LABELS)
    code = dict(zip(codes.labels, codes.sequences, strict=True))
    rows = [Sample(renderer.example(tiny.ROUTING, row.text, code[row.target])) for row in tiny.examples()]
    ground = Ground(opened=opened, train=rows[:50], held_out=rows[50:], bfloat16=False)
    return Job(ground=ground, parameters=parameters, recipe=recipe, gang=place, workspace=workspace)


def follow(base: str, whole: bool, place: Gang, workspace: Path | None = None, **changes: Any) -> None:
    """What the other processes do."""
    fit(work(base, whole, place, workspace, **changes))


def held(job: Job) -> int:
    """Bytes of the trained tensors, their gradients and their moments in this process after a step; in shares if the
    recipe says so.
    """
    with spread(job) as here:
        moves = optimizer(here.parameters, here.recipe)
        loss = Completion()(Step(here.ground, here.gang.parts(here.ground.train[:8], 0)[0]))
        torch.autograd.backward(loss)
        moves.step()
        kept = [t for p in here.parameters for t in (p, p.grad, *moves.state[p].values())]
        return sum(own(t).numel() * own(t).element_size() for t in kept if t is not None)


def own(tensor: Tensor) -> Tensor:
    """What of a tensor lies in this process."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def share(base: str, cases: Sequence[tuple[bool, dict[str, Any]]], place: Gang) -> None:
    """What the other processes do where several runs in shares are made one after the other, and a step is measured."""
    for whole, changes in cases:
        follow(base, whole, place, sharded=True, **changes)
        held(work(base, whole, place, sharded=True, **changes))
