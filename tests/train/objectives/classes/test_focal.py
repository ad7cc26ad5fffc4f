"""Focal loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seen
from homeostat.train.adapt.full import Full
from homeostat.train.fit import fit
from homeostat.train.objectives.classes.focal import Focal, focal
from homeostat.train.objectives.completion import Completion
from homeostat.train.step import Objective, Step
from shown import Shown
from train.test_fit import RECIPE, ground, job, samples


def test_gamma_zero_is_cross_entropy() -> None:
    """Without focus it is the plain loss."""
    step = seen.step([(5,), (2,)], allowed=[2, 5, 8])
    plain, none = Completion()(step), Focal(gamma=0.0).begin(step.ground)(step)
    assert none.item() == pytest.approx(plain.item(), rel=1e-6)


def test_rows_that_are_right_hardly_count() -> None:
    """A row told with 0.9 counts (1 - 0.9)² of its cross-entropy, one told with 0.1 0.81 of its own."""
    scores = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log()
    each, plain = (
        focal(scores, torch.tensor([0, 0]), 2.0),
        F.cross_entropy(scores, torch.tensor([0, 0]), reduction="none"),
    )
    assert (each / plain).tolist() == pytest.approx([0.01, 0.81], rel=1e-4)


@torch.no_grad()
def sureness(base: Path, objective: Objective, draw: int) -> float:
    """After many passes over 24 rows: how sure a model is of unseen rows, on average."""
    rows = samples(8, 100 + draw)
    recipe = replace(RECIPE, objective=objective, adapt=Full(), lr=3e-3, epochs=20, looks=1, seed=draw)
    work = job(base, recipe, on=ground(base, train=rows, held_out=rows))
    with torch.enable_grad():
        fit(work)
    step = Step(work.ground, samples(60, 200 + draw))
    return float(step.scores.softmax(1).amax(1).mean())


@pytest.mark.slow
def test_it_is_less_sure_of_what_is_wrong(llama: Path, shown: Shown) -> None:
    """Few rows are learned by heart; the model is less sure of unseen ones, of which a fifth and more are wrong, than
    after as many steps of cross-entropy (Mukhoti et al. 2020, 2002.09437).
    """
    draws = shown.draws(2)
    less = [sureness(llama, Completion(), k) - sureness(llama, Focal(), k) for k in draws]
    shown.over("how sure it is of unseen rows after many passes, less than by cross-entropy", less, least=0.02)


def test_held_out_rows_are_measured_by_a_proper_score() -> None:
    """Early stopping goes by cross-entropy."""
    assert Focal().begin(seen.ground()).looked == Completion()
