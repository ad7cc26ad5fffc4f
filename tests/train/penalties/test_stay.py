"""Divergence from the start on new rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.penalties.divergence import Divergence, divergence
from homeostat.train.penalties.stay import Stay
from homeostat.train.run import Start
from homeostat.train.step import Step
from shown import Shown
from train.penalties import forgetting


def test_new_rows_are_looked_at(champion: Start) -> None:
    """It looks at the rows that `Divergence` leaves out, and at none where nothing was known."""
    ground = forgetting.job(champion).ground
    held, other = Stay().begin(ground), Divergence().begin(ground)
    for sample in ground.train:
        assert held.weigh([sample]) == 1.0 - other.weigh([sample]) == float(not sample.replay)
    assert Stay().begin(replace(ground, known=0)).weigh(ground.train) == 0.0
    assert Stay().begin(replace(ground, allowed=None, known=0)).weigh(ground.train) == 0.0


def test_it_is_the_mean_divergence_from_the_start(champion: Start) -> None:
    """0 before the first step; and when the model has moved, the mean over new rows of KL(start || model)."""
    work = forgetting.job(champion)
    held, some = Stay().begin(work.ground), work.ground.train[30:40]
    new = [s for s in some if not s.replay]
    with torch.no_grad():
        said = Step(work.ground, new).scores.log_softmax(-1)
        assert float(held(Step(work.ground, some))) == pytest.approx(0.0, abs=1e-5)
        for parameter in work.parameters:
            parameter.mul_(1.2)
        wanted = float(divergence(Step(work.ground, new).scores, said))
        assert float(held(Step(work.ground, some))) == pytest.approx(wanted, rel=1e-4)
    assert 0 < len(new) < len(some)
    assert wanted > 1e-3


def test_it_is_held_to_what_it_answers(champion: Start) -> None:
    """A model with dropout is asked without: asked while it drops nothing, it is not away from where it began."""
    work = forgetting.job(replace(champion, folder=None), replace(forgetting.RECIPE, adapt=Lora(dropout=0.5)))
    with torch.no_grad():
        for parameter in work.parameters:
            parameter.add_(0.02)
        work.ground.opened.model.train()
        held = Stay().begin(work.ground)
        work.ground.opened.model.eval()
        assert float(held(Step(work.ground, work.ground.train[:6]))) == pytest.approx(0.0, abs=1e-5)


def test_without_weight_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0 leaves the tensors of the plain run, bit by bit; any other weight does not."""
    plain, none, some = (
        forgetting.left(champion, forgetting.SHORT, *terms) for terms in ((), (Stay(weight=0.0),), (Stay(),))
    )
    assert forgetting.equal(plain, none)
    assert not forgetting.equal(plain, some)


def test_it_is_held_to_the_start_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off goes on bit by bit as if it had not been: it is held to what it said at its start."""
    assert forgetting.goes_on(champion, tmp_path, forgetting.SHORT, Stay())


@torch.no_grad()
def said_of(work: Job) -> Tensor:
    """Log-probabilities over the labels, on new rows."""
    return Step(work.ground, work.ground.train[:36]).scores.log_softmax(-1)


def test_the_stronger_the_nearer_it_stays(champion: Start, forgotten: float) -> None:
    """The larger the weight, the nearer the model stays to what it said of new rows, and the less it forgets of old."""
    distances, losses = [], [forgotten]
    for weight in (1.0, 10.0):
        work = forgetting.job(champion, replace(forgetting.RECIPE, penalties=(Stay(weight=weight),)))
        said = said_of(work)
        fit(work)
        distances.append(float((said.exp() * (said - said_of(work))).sum(-1).mean()))
        losses.append(forgetting.told_apart(work, forgetting.OLD)[0])
    assert distances[0] > 1.5 * distances[1]
    assert losses[0] > 1.5 * losses[1] > 1.5 * losses[2]


@pytest.mark.slow
def test_less_is_forgotten(champion: Start, shown: Shown) -> None:
    """At weight 1, less is lost of what was known than without it, and the new is learned."""
    spared = forgetting.spared(champion, shown.draws(2), Stay(weight=1.0))
    shown.over("nats of loss on rows of what was known, less than without it", spared, least=0.2)
