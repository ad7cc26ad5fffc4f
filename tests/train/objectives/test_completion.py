"""Cross-entropy of the completion's tokens."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import seen
from homeostat.train.objectives.completion import Completion


def test_it_is_the_mean_over_the_tokens() -> None:
    """With equal weights, the loss is the mean negative log-probability of the tokens."""
    step = seen.step([(3, 5), (7,)])
    wanted = F.cross_entropy(step.predicted.logits, torch.tensor([3, 5, 7]))
    assert Completion()(step).item() == pytest.approx(wanted.item())


def test_rows_count_by_their_weight() -> None:
    """A row of weight 3 counts as three rows, one of weight 0 not at all."""
    step = seen.step([(3,), (5,), (7,)], weights=[3.0, 1.0, 0.0])
    each = F.cross_entropy(step.predicted.logits, torch.tensor([3, 5, 7]), reduction="none")
    assert Completion()(step).item() == pytest.approx(((3 * each[0] + each[1]) / 4).item())
    assert Completion().weigh(step.samples) == 4.0


def test_only_the_allowed_compete() -> None:
    """Among allowed tokens the loss is that of their logits alone, and others get no gradient."""
    step = seen.step([(5,), (2,)], allowed=[2, 5, 8])
    loss = Completion()(step)
    logits = step.predicted.logits
    assert loss.item() == pytest.approx(F.cross_entropy(logits[:, [2, 5, 8]], torch.tensor([1, 0])).item())
    torch.autograd.backward(loss)
    assert logits.grad is not None
    assert logits.grad.abs().sum(0).nonzero()[:, 0].tolist() == [2, 5, 8]


def test_a_smoothed_target_is_spread_over_what_competes() -> None:
    """A share of the target lies evenly on the allowed tokens; held-out rows are measured unsmoothed."""
    step = seen.step([(5,), (2,)], allowed=[2, 5, 8])
    logs = step.predicted.logits[:, [2, 5, 8]].log_softmax(-1)
    target = torch.tensor([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    smoothed = Completion(smoothing=0.3)
    assert smoothed(step).item() == pytest.approx(-(target * logs).sum(-1).mean().item(), rel=1e-5)
    assert smoothed.looked == Completion()
