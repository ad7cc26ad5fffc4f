"""Supervised contrast."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import seen
from homeostat.errors import UnsuitedModel
from homeostat.llm.head import Head, Shape, put_head
from homeostat.llm.render import Rendered
from homeostat.train.fit import fit
from homeostat.train.objectives.classes.contrastive import Contrastive, contrast
from homeostat.train.samples import Sample
from homeostat.train.step import Step
from shown import Shown
from train.test_fit import RECIPE, ground, job, samples


def test_it_is_the_mean_over_companions() -> None:
    """Per row, the mean over rows of its class of -log(exp(cos/t) / Σ over all other rows); loners are left out."""
    states, classes = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 0, 1, 1, 2])
    unit = states / states.norm(dim=1, keepdim=True)
    wanted = []
    for i, j in ((0, 1), (1, 0), (2, 3), (3, 2)):
        others = [float(torch.exp(unit[i] @ unit[k] / 0.5)) for k in range(5) if k != i]
        wanted.append(-torch.log(torch.exp(unit[i] @ unit[j] / 0.5) / sum(others)).item())
    assert contrast(states, classes, 0.5).item() == pytest.approx(sum(wanted) / 4, rel=1e-5)


def test_it_weighs_rows_with_a_companion() -> None:
    """Of five rows of three classes, four have one."""
    rows = seen.step([(1,), (1,), (2,), (2,), (3,)]).samples
    lesson = Contrastive().begin(seen.ground(rows, allowed=torch.tensor([1, 2, 3])))
    assert lesson.weigh(rows) == 4.0
    assert lesson.weigh(rows[3:]) == 0.0


def test_replies_in_words_are_of_no_class() -> None:
    """Beside labels they are not looked at, however alike they begin; where there are no labels it is refused."""
    words = [Sample(Rendered((k,), (1, 3, 7)), free=True) for k in range(3)]
    lesson = Contrastive().begin(seen.ground(words, allowed=torch.tensor([1, 2])))
    assert lesson.weigh(words) == 0.0
    with pytest.raises(UnsuitedModel, match="the task has none"):
        Contrastive().begin(seen.ground(words))


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_rows_of_a_head_are_of_the_class_that_it_should_tell(pool: str) -> None:
    """Their completion is a place, and no label: two that should be told the same draw together, in the states that
    the head looks at. A head of numbers has no classes.
    """
    rows = [Sample(Rendered((k,), (0,)), values=(label,)) for k, label in enumerate((0.0, 1.0, 0.0, 2.0))]
    on = seen.ground(rows)
    put_head(on.opened.model, Head(Shape(form="label", names=("a", "b", "c"), pool=pool), 4))
    lesson, step = Contrastive().begin(on), Step(on, rows)
    pooled, states = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(0)).unbind()
    step.predicted = replace(seen.predicted([(0,)] * 4), pooled=pooled, states=states)
    assert lesson.weigh(rows) == 2.0
    wanted = contrast(pooled if pool == "mean" else states, torch.tensor([0, 1, 0, 2]), 0.1)
    assert lesson(step).item() == pytest.approx(wanted.item(), rel=1e-6)
    put_head(on.opened.model, Head(Shape(form="numbers", names=("a",)), 4))
    with pytest.raises(UnsuitedModel, match="the task has none"):
        Contrastive().begin(on)


def test_states_of_a_label_draw_together(llama: Path, shown: Shown) -> None:
    """With it, held-out states of one label are nearer to each other, against those of others, than without."""
    nearer = []
    for draw in shown.draws(1):
        told = []
        for penalties in ((), (Contrastive(weight=1.0),)):
            on = ground(llama, train=samples(20, 100 + draw))
            work = job(llama, replace(RECIPE, penalties=penalties, seed=draw), on=on)
            fit(work)
            with torch.no_grad():
                step = Step(work.ground, samples(20, 200 + draw))
                told.append(contrast(step.predicted.states, step.right, 0.1).item())
        nearer.append(told[0] - told[1])
    shown.over("nats of contrast of unseen rows, less than without it", nearer, least=0.1)
