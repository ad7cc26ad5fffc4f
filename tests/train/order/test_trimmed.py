"""Trimming: the hardest rows of every label are never drawn, and where labels are wrong that pays."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import seen
from homeostat.llm.head import Head, Shape, put_head
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Given, Loss
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.trimmed import Trimmed
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from shown import Shown
from train.test_fit import RECIPE, ground, job, right, samples

HARDNESS = (*(float(k) for k in range(10)), *(100.0 + k for k in range(20)), 500.0)


def lettered(*, labels: bool) -> Ground:
    """Ten easy rows of a label, twenty hard ones of another, and the only row of a third, the hardest."""
    rows = [Sample(Rendered((0, k), (token,))) for token, count in ((1, 10), (2, 20), (3, 1)) for k in range(count)]
    return seen.ground(rows, allowed=torch.tensor([1, 2, 3]) if labels else None)


def test_each_label_loses_its_hardest_rows() -> None:
    """Of every label the share that is hardest is left out; a label is never left out as a whole."""
    left = Trimmed(share=0.3, difficulty=Given(values=HARDNESS)).begin(lettered(labels=True))(0.0)
    assert np.flatnonzero(left == 0).tolist() == [7, 8, 9, *range(24, 30)]
    assert set(left.tolist()) == {0.0, 1.0}


def test_texts_are_trimmed_together() -> None:
    """Where replies are texts, of which each is its own, the hardest of all rows are left out."""
    left = Trimmed(share=0.1, difficulty=Given(values=HARDNESS)).begin(lettered(labels=False))(0.0)
    assert np.flatnonzero(left == 0).tolist() == [28, 29, 30]


def test_rows_of_a_head_are_trimmed_by_what_it_should_tell() -> None:
    """Their completion is a place: each label loses its own hardest rows, and a new one is not left out as a whole.
    Replies in words beside labels are trimmed together.
    """
    rows = [replace(s, values=(float(s.rendered.completion[0]),)) for s in lettered(labels=False).train]
    on = seen.ground([replace(s, rendered=Rendered(s.rendered.prompt, (0,))) for s in rows])
    put_head(on.opened.model, Head(Shape(form="label", names=("a", "b", "c", "d")), 4))
    order = Trimmed(share=0.3, difficulty=Given(values=HARDNESS))
    assert np.flatnonzero(order.begin(on)(0.0) == 0).tolist() == [7, 8, 9, *range(24, 30)]
    beside = lettered(labels=True)
    words = [replace(s, free=True) if s.rendered.completion != (1,) else s for s in beside.train]
    assert np.flatnonzero(order.begin(replace(beside, train=words))(0.0) == 0).tolist() == [7, 8, 9, *range(25, 31)]


def test_what_is_left_out_never_comes() -> None:
    """In a whole run the other rows are drawn as often as each other, and those left out not once."""
    order, on = Trimmed(share=0.3, difficulty=Given(values=HARDNESS)), lettered(labels=True)
    batches = list(Plan([3] * 31, 4, 0, 60, 0.0, order.begin(on)).rest(0))
    found = np.bincount(np.concatenate(batches), minlength=31)
    kept = order.begin(on)(0.0) > 0
    assert not found[~kept].any()
    assert np.ptp(found[kept]) <= 1


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_few_rows_are_not_trimmed(share: float) -> None:
    """Nothing is left out where the share is less than a row."""
    assert Trimmed(share=share, difficulty=Given(values=HARDNESS)).begin(lettered(labels=True))(0.5).all()


def mistaken(rows: Sequence[Sample], seed: int, share: float = 0.3) -> list[Sample]:
    """Rows of which so many have another label than they should."""
    draw, right = random.Random(seed), sorted({s.rendered.completion for s in rows})
    return [
        replace(
            s, rendered=replace(s.rendered, completion=draw.choice([c for c in right if c != s.rendered.completion]))
        )
        if draw.random() < share
        else s
        for s in rows
    ]


def learned(base: Path, seed: int, order: RowOrder | None, teacher: Opened | None = None) -> Job:
    """A run on 360 rows of which 30 % are wrong, those held out too."""
    rows, held = mistaken(samples(120, 10 + seed), seed), mistaken(samples(20, 30 + seed), seed + 50)
    work = job(
        base,
        replace(RECIPE, epochs=8, order=order, seed=seed),
        on=ground(base, train=rows, teacher=teacher, held_out=held),
    )
    fit(work)
    return work


def by_heart(
    base: Path, draw: int, order: RowOrder | None = None, teacher: Opened | None = None, epochs: int = 20
) -> Job:
    """A run of all weights on such rows to its end: without an order it learns them by heart, wrong ones as well."""
    rows, unseen = mistaken(samples(120, 10 + draw), draw), samples(100, 2000 + draw)
    recipe = replace(RECIPE, adapt=Full(), lr=3e-3, batch_rows=36, epochs=epochs, looks=1, order=order, seed=draw)
    work = job(base, recipe, on=ground(base, train=rows, teacher=teacher, held_out=unseen))
    fit(work)
    return work


def accuracy(work: Job) -> float:
    """On 300 rows that are right."""
    with torch.no_grad():
        step = Step(work.ground, samples(each=100, seed=1))
        return float((step.scores.argmax(1) == step.right).float().mean())


@cache
def plain(base: Path, seed: int) -> Job:
    """A run without an order."""
    return learned(base, seed, None)


@pytest.mark.slow
def test_wrong_labels_are_trimmed_away(llama: Path, shown: Shown) -> None:
    """With 30 % wrong labels, which many passes learn by heart, leaving out what a short run on the same rows finds
    hardest gains five points or more; one more than that short run has, which is what stopping early gives; and of what
    is left out two thirds was wrong. Means over four draws.
    """
    gained, beyond, wrong = [], [], []
    for draw in shown.draws(4):
        short, plain = by_heart(llama, draw, epochs=4), by_heart(llama, draw)
        order = Trimmed(share=0.3, difficulty=Loss(teacher=True))
        trimmed = by_heart(llama, draw, order, short.ground.opened)
        early, late, found = (right(work, work.ground.held_out) for work in (short, plain, trimmed))
        gained.append(found - late)
        beyond.append(found - early)
        left = order.begin(trimmed.ground)(0.0) == 0
        both = zip(samples(120, 10 + draw), trimmed.ground.train, strict=True)
        wrong.append(np.mean(np.array([a != b for a, b in both])[left]))
    assert np.mean(wrong) > 0.67
    assert np.mean(beyond) > 0.01
    shown.over("share of unseen rows told right with 30 % wrong labels, more than without it", gained, least=0.05)


@pytest.mark.slow
def test_wrong_labels_first_do_harm(llama: Path) -> None:
    """The anti-curriculum, which begins with what a model that has learned the rest finds hardest, is worse than no
    order by two points or more, a mean over three seeds: what is hard there is wrong.
    """
    lost = []
    for seed in range(3):
        order = Curriculum(difficulty=Loss(teacher=True), hardest_first=True)
        control = learned(llama, seed, order, plain(llama, seed).ground.opened)
        lost.append(accuracy(plain(llama, seed)) - accuracy(control))
    assert np.mean(lost) >= 0.02
