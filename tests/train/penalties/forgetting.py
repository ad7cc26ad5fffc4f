"""A tiny model that knows three labels in some words and learns them in others, which makes it forget the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step, Term

OLD = {label: label for label in tiny.LABELS}
NEW = {"wrong_bill": "late_delivery", "light_out": "refund_request"}
"""Words and the label that they have: words of the old domain, and of the new one."""
RECIPE = Recipe(lr=3e-3, epochs=5, batch_rows=12, looks=5, patience=5, warm_up=0.1, schedule="constant")
SHORT = replace(RECIPE, max_steps=6, looks=3)


def rows(domain: dict[str, str], each: int, seed: int, **more: Any) -> list[Sample]:
    """Rows of a domain, rendered for the tiny decoder."""
    renderer = Renderer(tiny.chat_tokenizer())
    codes = dict(zip(tiny.LABELS, encode_labels(renderer.tokenizer, tiny.LABELS).sequences, strict=True))
    some = tiny.examples(tuple(domain), each=each, seed=seed)
    return [Sample(renderer.example(tiny.ROUTING, row.text, codes[domain[row.target]]), **more) for row in some]


def job(champion: Start, recipe: Recipe = RECIPE, draw: int = 0, **changes: Any) -> Job:
    """The run in which the champion meets the new domain; another draw has other rows.

    Old rows are among its rows with weight 0: they are there to be held to, and nothing is learned from them.
    """
    opened = open_model(champion.base)
    parameters = recipe.adapt.attach(opened.model, champion.folder, None, recipe.seed)
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    ground = Ground(
        opened=opened,
        train=[*rows(NEW, 18, 5 + 100 * draw), *rows(OLD, 12, 4 + 100 * draw, replay=True, weight=0.0)],
        held_out=rows(NEW, 10, 6 + 100 * draw),
        allowed=torch.tensor([sequence[0] for sequence in codes.sequences]),
        known=len(tiny.LABELS),
        bfloat16=False,
    )
    return Job(ground=ground, parameters=parameters, recipe=recipe, **changes)


@torch.no_grad()
def told_apart(work: Job, domain: dict[str, str], draw: int = 0) -> tuple[float, float]:
    """Mean loss in nats, and share that is right, of rows of a domain that no run has seen."""
    step = Step(work.ground, rows(domain, 40, 3 + 100 * draw))
    return float(Completion()(step)), float((step.scores.argmax(1) == step.right).float().mean())


def tensors(work: Job) -> list[Tensor]:
    """Copies of what is trained."""
    return [parameter.detach().clone() for parameter in work.parameters]


def left(champion: Start, recipe: Recipe, *penalties: Term, **changes: Any) -> list[Tensor]:
    """The tensors that a run under these penalties leaves."""
    torch.manual_seed(0)
    work = job(champion, replace(recipe, penalties=penalties), **changes)
    fit(work)
    return tensors(work)


def equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether tensors are the same, bit by bit."""
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


class Interrupted(Exception):
    """What ends a run from outside."""


def goes_on(champion: Start, folder: Path, recipe: Recipe, *penalties: Term) -> bool:
    """Whether a run that is broken off after its first look, and gone on with, leaves what an undisturbed one does."""
    looks = []

    def report(values: dict[str, float]) -> None:
        looks.append(values["step"])
        if len(looks) == 2:
            raise Interrupted

    try:
        left(champion, recipe, *penalties, workspace=folder, report=report)
    except Interrupted:
        torch.manual_seed(1)
    gone_on = left(champion, recipe, *penalties, workspace=folder, report=report)
    return looks == [2, 4, 4, 6] and equal(gone_on, left(champion, recipe, *penalties))


@cache
def lost(champion: Start, draw: int, *penalties: Term) -> float:
    """Loss in nats on the old domain after a run of this draw on the new one, which it learns."""
    work = job(champion, replace(RECIPE, penalties=penalties, seed=draw), draw)
    fit(work)
    assert told_apart(work, NEW, draw)[1] > 0.6
    return told_apart(work, OLD, draw)[0]


def spared(champion: Start, draws: Sequence[int], penalty: Term) -> list[float]:
    """By draw, how much less is lost of the old domain than without the penalty, in nats."""
    return [lost(champion, draw) - lost(champion, draw, penalty) for draw in draws]


def retained(champion: Start, *penalties: Term) -> float:
    """Loss in nats on the old domain after a run on the new one under these penalties."""
    work = job(champion, replace(RECIPE, penalties=penalties))
    fit(work)
    return told_apart(work, OLD)[0]
