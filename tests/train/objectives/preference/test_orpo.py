"""Odds-ratio preference optimization."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from homeostat.train.objectives.preference.orpo import Orpo, log_odds
from shown import Shown
from train.objectives.preference import planted


def test_odds_are_exact_at_both_ends() -> None:
    """log(p / (1 - p)) from log p, for p near 0 and near 1."""
    p = torch.tensor([1e-12, 0.3, 0.5, 0.9, 1 - 1e-9], dtype=torch.float64)
    torch.testing.assert_close(log_odds(p.log()), torch.log(p / (1 - p)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("sure", [0.0, -1e-9, -3e-8, -1e-7, -0.693, -30.0])
def test_a_reply_that_is_sure_teaches_no_nonsense(sure: float) -> None:
    """Where a reply's tokens are all but certain, as float32 has it, loss and gradient are finite, whether it is the
    better one or the worse; below that the gradient is 1 / (1 - p).
    """
    for sign in (1.0, -1.0):
        logs = torch.tensor([sure], requires_grad=True)
        loss = -F.logsigmoid(sign * (log_odds(logs) - log_odds(torch.tensor([-3.0]))))
        loss.sum().backward()
        assert logs.grad is not None
        assert torch.isfinite(torch.stack([loss[0], logs.grad[0]])).all()
    logs = torch.tensor([-0.01, -0.7, -4.0], requires_grad=True)
    log_odds(logs).sum().backward()
    torch.testing.assert_close(logs.grad, 1.0 / (1.0 - logs.detach().exp()), rtol=1e-4, atol=0.0)


def test_a_preference_is_learned_without_a_reference(llama: Path, shown: Shown) -> None:
    """On unseen requests the better reply gains more in over 80 of 100, by more than plain likelihood makes it gain."""
    wider = []
    for draw in shown.draws(1):
        learned = [planted.learned(llama, Orpo(ratio=r), planted.pairs(seed=draw)) for r in (1.0, 0.0)]
        told = [planted.agreement(llama, on, 100 + draw) for on in learned]
        assert told[0][0] > 0.75
        wider.append(told[0][1] - told[1][1])
    shown.over("nats by which the better reply gains on unseen pairs, more than by fine-tuning", wider)


def test_weight_of_rows(llama: Path) -> None:
    """Pairs count by their weight."""
    rows = planted.pairs(each=2)
    assert Orpo().weigh(rows) == pytest.approx(6.0)
