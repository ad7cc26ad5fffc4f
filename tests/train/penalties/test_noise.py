"""Noise on the input embeddings."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from homeostat.train.objectives.completion import Completion
from homeostat.train.penalties.noise import Noise, noise
from homeostat.train.run import Start
from homeostat.train.step import Ground, Step
from shown import Shown
from train.objectives.distill import school
from train.penalties import forgetting


def test_how_much_noise() -> None:
    """It is uniform, of at most ±alpha / √(tokens × width), and on a row of any length about alpha / √3 long."""
    most = 5.0 / math.sqrt(30 * 48)
    drawn = noise(torch.zeros(64, 30, 48), 5.0)
    assert most * 0.99 < float(drawn.max()) <= most
    assert -most <= float(drawn.min()) < -most * 0.99
    assert float(drawn.std()) == pytest.approx(most / math.sqrt(3), rel=0.01)
    for tokens in (10, 100):
        lengths = noise(torch.zeros(64, tokens, 48), 5.0).flatten(1).norm(dim=1)
        assert float(lengths.mean()) == pytest.approx(5.0 / math.sqrt(3), rel=0.03)


def scores(ground: Ground) -> Tensor:
    """What the model says of four rows."""
    return Step(ground, ground.train[:4]).scores.detach()


def test_it_is_there_in_training_passes_alone(champion: Start) -> None:
    """A pass that is learned from is disturbed, differently each time; a look is not, nor is a pass without a gradient;
    and when the run has ended, no pass is.
    """
    ground = forgetting.job(champion).ground
    ground.opened.model.eval()
    clean = scores(ground)
    noisy = Noise().begin(ground)
    assert torch.equal(scores(ground), clean)
    ground.opened.model.train()
    with torch.no_grad():
        assert torch.equal(scores(ground), clean)
    one, other = scores(ground), scores(ground)
    assert not torch.allclose(one, clean, atol=1e-3)
    assert not torch.allclose(one, other, atol=1e-3)
    noisy.end()
    assert torch.equal(scores(ground), clean)


def test_it_is_no_part_of_the_loss(champion: Start) -> None:
    """It weighs nothing, whatever the rows."""
    ground = forgetting.job(champion).ground
    noisy = Noise().begin(ground)
    assert noisy.weigh(ground.train) == 0.0
    assert float(noisy(Step(ground, ground.train))) == 0.0
    noisy.end()


def test_without_weight_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0 leaves the tensors of the plain run, bit by bit; any other weight does not."""
    plain, none, some = (
        forgetting.left(champion, forgetting.SHORT, *terms) for terms in ((), (Noise(weight=0.0),), (Noise(),))
    )
    assert forgetting.equal(plain, none)
    assert not forgetting.equal(plain, some)


def test_the_noise_goes_on_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off draws the noise that it would have drawn, and leaves the same tensors, bit by bit."""
    assert forgetting.goes_on(champion, tmp_path, forgetting.SHORT, Noise())


@pytest.mark.slow
def test_what_is_learned_in_noise_holds_beyond_the_rows(llama: Path, shown: Shown) -> None:
    """With all weights trained on few rows, three labels in ten of which were drawn by chance, until they are known by
    heart, the loss on rows that were not seen ends lower with noise than without.
    """
    recipe, spared = replace(school.RECIPE, looks=1), []
    for draw in shown.draws(2):
        losses = []
        for weight in (0.0, 5.0):
            on = school.ground(llama, school.labeled(20, draw, school.NOISE))
            school.taught(on, recipe=replace(recipe, seed=draw, penalties=(Noise(weight=weight),)))
            with torch.no_grad():
                losses.append(float(Completion()(Step(on, school.labeled(60, 200 + draw)))))
        spared.append(losses[0] - losses[1])
    shown.over("nats of loss on unseen rows after wrong labels, less than without it", spared, least=0.1)
