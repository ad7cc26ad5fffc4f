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
from train.test_fit import RECIPE, job


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


def test_states_of_a_label_draw_together(llama: Path) -> None:
    """With it, held-out states of one label are nearer to each other, against those of others, than without."""
    told = []
    for penalties in ((), (Contrastive(weight=1.0),)):
        work = job(llama, replace(RECIPE, penalties=penalties))
        fit(work)
        with torch.no_grad():
            step = Step(work.ground, work.ground.held_out)
            told.append(contrast(step.predicted.states, step.right, 0.1).item())
    assert told[1] < told[0] - 0.1
