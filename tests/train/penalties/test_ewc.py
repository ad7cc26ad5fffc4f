"""Elastic weight consolidation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from homeostat.llm.render import Rendered
from homeostat.train.adapt.lora import Lora
from homeostat.train.penalties.ewc import Ewc, drawn, evened, fisher
from homeostat.train.penalties.l2_pull import Pull
from homeostat.train.run import Start
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from shown import Shown
from train.penalties import forgetting

CHANCE = torch.Generator().manual_seed(0)
INPUTS = torch.randn(40, 5, dtype=torch.float64, generator=CHANCE)
WEIGHTS = torch.randn(5, 2, dtype=torch.float64, generator=CHANCE).requires_grad_(True)


def analytic() -> Tensor:
    """float[5, 2]: the Fisher information of a softmax model of ten weights, mean x² p (1 - p)."""
    shares = (INPUTS @ WEIGHTS).softmax(-1).detach()
    return INPUTS.square().T @ (shares * (1 - shares)) / len(INPUTS)


def every_answer() -> Iterator[Tensor]:
    """The log-probability of either answer to every input, so scaled that all count by how likely they are."""
    for row in INPUTS:
        for k in range(2):
            log = (row @ WEIGHTS).log_softmax(-1)[k]
            yield log * (2 * log.detach().exp()).sqrt()


def test_it_is_the_fisher_information_of_a_softmax_model() -> None:
    """Over all answers, the mean of squared gradients is what the formula gives."""
    torch.testing.assert_close(fisher(every_answer(), [WEIGHTS])[0], analytic())


@torch.no_grad()
def test_it_is_how_fast_what_is_said_changes() -> None:
    """Moving one weight by ±h, the mean divergence from what the model said grows as ½ F h², by finite differences."""
    said, step = (INPUTS @ WEIGHTS).log_softmax(-1), 1e-3
    found = torch.zeros_like(WEIGHTS)
    for at in range(WEIGHTS.numel()):
        for sign in (-1, 1):
            moved = WEIGHTS.detach().clone()
            moved.view(-1)[at] += sign * step
            now = (INPUTS @ moved).log_softmax(-1)
            found.view(-1)[at] += (said.exp() * (said - now)).sum(-1).mean() / step**2
    torch.testing.assert_close(found, analytic(), rtol=1e-4, atol=1e-6)


def test_answers_drawn_give_it_too() -> None:
    """With answers that the model draws itself, it comes out within a tenth of the formula's total."""
    chance = torch.Generator().manual_seed(0)
    logs = (drawn((row @ WEIGHTS)[None], chance) for _ in range(80) for row in INPUTS)
    found, wanted = fisher(logs, [WEIGHTS])[0], analytic()
    assert float((found - wanted).abs().sum() / wanted.sum()) < 0.1


def test_what_is_drawn() -> None:
    """Each place of a reply is drawn by its own odds, and the logarithms are added up."""
    chance, odds = torch.Generator().manual_seed(0), torch.tensor([[0.8, 0.2], [0.0, 1.0]])
    some = torch.stack([drawn(odds.log(), chance) for _ in range(2000)]).exp()
    assert float((some - 0.8).abs().lt(1e-5).float().mean()) == pytest.approx(0.8, abs=0.04)
    assert float((some - 0.2).abs().lt(1e-5).float().mean()) == pytest.approx(0.2, abs=0.04)


def test_it_is_scaled_to_a_mean_of_one() -> None:
    """Over all elements of all tensors; where nothing matters, nothing is scaled."""
    assert [t.tolist() for t in evened([torch.tensor([2.0, 4.0]), torch.tensor([[0.0]])])] == [[1.0, 2.0], [[0.0]]]
    assert evened([torch.zeros(3)])[0].tolist() == [0.0, 0.0, 0.0]


def strengths(ground: Ground, term: Ewc | None = None) -> list[Tensor]:
    """How firmly each element is held."""
    held = (term or Ewc()).begin(ground)
    assert isinstance(held, Pull)
    return list(held.strengths)


def test_it_is_measured_on_replayed_rows(champion: Start) -> None:
    """New rows are not asked where old ones are, and at most so many old ones as are wanted; it has mean 1, and leaves
    neither gradients nor a trace in what is drawn next.
    """
    work, state = forgetting.job(champion), torch.get_rng_state()
    found = strengths(work.ground)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in work.parameters)
    old = replace(work.ground, train=[s for s in work.ground.train if s.replay])
    assert forgetting.equal(strengths(old), found)
    assert not forgetting.equal(strengths(replace(work.ground, train=work.ground.train[:36])), found)
    assert not forgetting.equal(strengths(work.ground, Ewc(rows=8)), found)
    flat = torch.cat([each.flatten() for each in found])
    assert float(flat.mean()) == pytest.approx(1.0, rel=1e-4)
    assert float(flat.min()) >= 0.0


def test_it_is_measured_without_dropout(champion: Start) -> None:
    """A fresh adapter with dropout, ready to be trained, gives the same twice."""
    work = forgetting.job(replace(champion, folder=None), replace(forgetting.RECIPE, adapt=Lora(dropout=0.5)))
    work.ground.opened.model.train()
    assert forgetting.equal(strengths(work.ground), strengths(work.ground))


def test_replies_in_words_have_it_too(champion: Start) -> None:
    """Where no labels compete, each token of a reply is drawn from the whole vocabulary."""
    rows = [Sample(Rendered((7, 8, 9 + k), (20, 21, 22))) for k in range(4)]
    ground = replace(forgetting.job(champion).ground, train=rows, allowed=None, known=0)
    flat = torch.cat([each.flatten() for each in strengths(ground)])
    assert float(flat.mean()) == pytest.approx(1.0, rel=1e-4)


def test_without_weight_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0 leaves the tensors of the plain run, bit by bit; any other weight does not."""
    plain, none, some = (
        forgetting.left(champion, forgetting.SHORT, *terms) for terms in ((), (Ewc(weight=0.0),), (Ewc(),))
    )
    assert forgetting.equal(plain, none)
    assert not forgetting.equal(plain, some)


def test_it_holds_the_same_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off goes on bit by bit as if it had not been: what matters is measured where it began."""
    assert forgetting.goes_on(champion, tmp_path, forgetting.SHORT, Ewc())


@pytest.mark.slow
def test_the_stronger_the_more_is_retained(champion: Start, forgotten: float) -> None:
    """The larger the weight, the less the model forgets of what it knew."""
    losses = [forgetting.retained(champion, Ewc(weight=weight)) for weight in (0.1, 10.0, 1000.0)]
    assert forgotten > 1.2 * losses[0] > 1.2 * losses[1] > 1.2 * losses[2]


@pytest.mark.slow
def test_less_is_forgotten(champion: Start, shown: Shown) -> None:
    """At weight 1, less is lost of what was known than without it, and the new is learned."""
    spared = forgetting.spared(champion, shown.draws(2), Ewc(weight=1.0))
    shown.over("nats of loss on rows of what was known, less than without it", spared, least=0.2)
