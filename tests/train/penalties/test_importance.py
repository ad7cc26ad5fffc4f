"""What mattered for earlier tasks, kept with a version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from homeostat.llm.load import open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.penalties.importance import FADES, Importance, after, drawn, drawn_logs, evened, fisher
from homeostat.train.penalties.l2_pull import trained
from homeostat.train.run import Start
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


def test_runs_are_added_up_and_fade(champion: Start, tmp_path: Path) -> None:
    """The sum after two runs is what the second one measures, at a mean of 1, and nine tenths of the first, to 1e-6; a
    file keeps it as it is.
    """
    ground = forgetting.job(champion).ground
    first = after(replace(ground, train=forgetting.rows(forgetting.OLD, 4, 1)), Importance({}))
    first.save(tmp_path)
    again = replace(ground, train=forgetting.rows(forgetting.NEW, 4, 1))
    both = after(again, Importance.read(tmp_path)).on(ground.opened.model)
    model = ground.opened.model
    alone = evened(fisher(drawn_logs(replace(again, known=0), list(again.train), 256), trained(model)))
    assert both is not None
    for sum_of_both, second, part in zip(both, alone, first.parts.values(), strict=True):
        torch.testing.assert_close(sum_of_both, second + FADES * part.matters, rtol=1e-6, atol=1e-6)
    assert float(torch.cat([each.flatten() for each in alone]).mean()) == pytest.approx(1.0, rel=1e-4)


def test_rows_of_new_labels_have_mattered_to_nobody(champion: Start) -> None:
    """Where the table of labels' rows has grown, what mattered stays with the tokens that it was measured on."""
    ground = forgetting.job(champion).ground
    kept = after(ground, Importance({}))
    opened = open_model(champion.base)
    width = opened.model.get_input_embeddings().weight.shape[1]
    Lora().attach(opened.model, champion.folder, {token: torch.ones(width) for token in (3, 4)})
    found = kept.on(opened.model)
    assert found is not None
    (table,) = [k for k, name in enumerate(kept.parts) if "token" in name]
    part = list(kept.parts.values())[table]
    assert len(found[table]) == len(part.tokens) + 2
    assert sorted(found[table].abs().sum(1).tolist())[:2] == [0.0, 0.0]
    torch.testing.assert_close(found[table][2:], part.matters)


def test_it_is_of_these_tensors_alone(champion: Start) -> None:
    """A fresh adapter on top of the champion, of the same shape, has nothing that mattered yet; nor has one that is
    trained from the base.
    """
    kept = after(forgetting.job(champion).ground, Importance({}))
    for way, start in ((Stacked(), champion.folder), (Lora(), None)):
        opened = open_model(champion.base)
        way.attach(opened.model, start, None)
        assert kept.on(opened.model) is None
    assert Importance({}).on(opened.model) is None
    assert Importance.read(None).parts == {}
