"""Supervised contrast."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import seen
from homeostat.train.fit import fit
from homeostat.train.objectives.classes.contrastive import Contrastive, contrast
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
    assert Contrastive().weigh(rows) == 4.0
    assert Contrastive().weigh(rows[3:]) == 0.0


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
