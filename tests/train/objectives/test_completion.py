"""Cross-entropy of the completion's tokens."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from homeostat.llm.forward import Predicted
from homeostat.train.objectives.completion import completion_loss


def predicted(target: list[int], row: list[int]) -> Predicted:
    torch.manual_seed(0)
    logits = torch.randn(len(target), 10, requires_grad=True)
    return Predicted(
        logits=logits, row=torch.tensor(row), states=torch.zeros(1), target=torch.tensor(target), pooled=torch.zeros(1)
    )


def test_it_is_the_mean_over_the_tokens() -> None:
    """With equal weights, the loss is the mean negative log-probability of the tokens."""
    made = predicted([3, 5, 7], [0, 0, 1])
    wanted = F.cross_entropy(made.logits, made.target)
    assert completion_loss(made, torch.ones(2)).item() == pytest.approx(wanted.item())


def test_rows_count_by_their_weight() -> None:
    """A row of weight 3 counts as three rows, one of weight 0 not at all."""
    made = predicted([3, 5, 7], [0, 1, 2])
    each = F.cross_entropy(made.logits, made.target, reduction="none")
    loss = completion_loss(made, torch.tensor([3.0, 1.0, 0.0]))
    assert loss.item() == pytest.approx(((3 * each[0] + each[1]) / 4).item())


def test_only_the_allowed_compete() -> None:
    """Among allowed tokens the loss is that of their logits alone, and others get no gradient."""
    made = predicted([5, 2], [0, 1])
    allowed = torch.tensor([2, 5, 8])
    loss = completion_loss(made, torch.ones(2), allowed)
    assert loss.item() == pytest.approx(F.cross_entropy(made.logits[:, allowed], torch.tensor([1, 0])).item())
    torch.autograd.backward(loss)
    assert made.logits.grad is not None
    assert made.logits.grad.abs().sum(0).nonzero()[:, 0].tolist() == [2, 5, 8]
