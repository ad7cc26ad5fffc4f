"""Class-balanced loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seen
from homeostat.errors import UnsuitedModel
from homeostat.train.objectives.classes.balanced import Balanced, balance
from homeostat.train.objectives.completion import Completion
from shown import Shown
from train import tail


def test_weights_follow_the_effective_number() -> None:
    """(1 - β) / (1 - βⁿ), 1 on average over the classes met; β = 0 weighs alike, β near 1 by the inverse."""
    rows = torch.tensor([100.0, 10.0, 0.0])
    raw = [(1 - 0.99) / (1 - 0.99**n) for n in (100, 10)]
    assert balance(rows, 0.99).tolist() == pytest.approx([2 * raw[0] / sum(raw), 2 * raw[1] / sum(raw), 0.0], rel=1e-4)
    assert balance(rows, 0.0).tolist() == pytest.approx([1.0, 1.0, 0.0])
    flat = balance(torch.tensor([100.0, 10.0], dtype=torch.float64), 1 - 1e-9)
    assert float(flat[1] / flat[0]) == pytest.approx(10.0, rel=1e-4)


def test_rare_classes_count_more() -> None:
    """The loss is the weighed cross-entropy of the rows, by the counts of the rows that are trained on."""
    step = seen.step([(5,), (2,), (5,), (5,)], allowed=[2, 5])
    loss = Balanced(beta=0.9).begin(step.ground)(step)
    of_class = balance(torch.tensor([1.0, 3.0]), 0.9)
    each = F.cross_entropy(step.scores, step.right, reduction="none")
    assert loss.item() == pytest.approx((each * of_class[step.right]).mean().item(), rel=1e-6)


@pytest.mark.slow
def test_a_rare_label_is_found_more_often(llama: Path, shown: Shown) -> None:
    """Of labels with one row in twenty, whose requests share words with others', unseen rows are told right more often,
    by ten points or more, and all labels' on average by four. Means over four draws.
    """
    plain, balanced = (
        torch.tensor([tail.recall(llama, seed, objective) for seed in shown.draws(4)])
        for objective in (tail.PLAIN, Balanced())
    )
    of = "recall of three labels with one row in twenty, more than by cross-entropy"
    shown.over(of, (balanced - plain)[:, 0].tolist(), least=0.1)
    assert balanced[:, 1].mean() > plain[:, 1].mean() + 0.04


def test_all_alike_is_cross_entropy() -> None:
    """Where every class has as many rows, nothing is changed."""
    step = seen.step([(5,), (2,)], allowed=[2, 5])
    assert Balanced().begin(step.ground)(step).item() == pytest.approx(Completion()(step).item(), rel=1e-6)


def test_a_task_without_labels_is_refused() -> None:
    """There are no classes to weigh."""
    with pytest.raises(UnsuitedModel, match="without labels"):
        Balanced().begin(seen.step([(5,)]).ground)
