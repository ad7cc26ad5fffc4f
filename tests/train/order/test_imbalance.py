"""Balance: labels come in the shares that were asked for, and a rare one is told more often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

import seen
from homeostat.llm.render import Rendered
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.imbalance import Balanced
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from shown import Shown
from train import tail

COUNTS = {1: 500, 2: 90, 3: 10}
"""Rows of each completion."""


def shares(order: RowOrder | None) -> dict[int, float]:
    """The share of each completion among what a run of four passes draws."""
    rows = [Sample(Rendered((0, 1), (token,))) for token, count in COUNTS.items() for _ in range(count)]
    plan = Plan([3] * 600, 20, 0, 120, 0.0, order.begin(seen.ground(rows)) if order else None)
    found = Counter(rows[k].rendered.completion[0] for batch in plan.rest(0) for k in batch)
    return {token: found[token] / found.total() for token in COUNTS}


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_labels_come_in_their_shares(power: float) -> None:
    """As often as their count to the power of 1 − `power` says, to within a two-hundredth."""
    wanted = {token: count ** (1 - power) for token, count in COUNTS.items()}
    assert shares(Balanced(power=power)) == pytest.approx(
        {k: w / sum(wanted.values()) for k, w in wanted.items()}, abs=5e-3
    )
    assert shares(None) == pytest.approx(shares(Balanced(power=0.0)), abs=5e-3)


def test_what_a_head_tells_and_replies_in_words() -> None:
    """Rows of a head go by what it should tell, and not by their completion, which is a place; replies in words beside
    labels come as they come, however seldom each is.
    """
    headed = [Sample(Rendered((0, k), (0,)), values=(float(k > 5),)) for k in range(8)]
    assert Balanced().begin(seen.ground(headed))(0.0).tolist() == pytest.approx([2 / 3] * 6 + [2.0] * 2)
    labels = [Sample(Rendered((0, k), (1 + (k > 5),))) for k in range(8)]
    words = [Sample(Rendered((1, k), (3, k)), free=True) for k in range(4)]
    found = Balanced().begin(seen.ground([*labels, *words]))(0.0)
    assert found.tolist() == pytest.approx([2 / 3] * 6 + [2.0] * 2 + [1.0] * 4)


def test_rows_of_one_label_are_alike() -> None:
    """Each row of a label is drawn as often as the others of it."""
    rows = [Sample(Rendered((0, k), (token,))) for token, count in COUNTS.items() for k in range(count)]
    plan = Plan([3] * 600, 20, 0, 120, 0.0, Balanced().begin(seen.ground(rows)))
    found = np.bincount(np.concatenate(list(plan.rest(0))), minlength=600)
    assert max(np.ptp(part) for part in np.split(found, [500, 590])) <= 2


@pytest.mark.slow
def test_a_rare_label_is_told_more_often(llama: Path, shown: Shown) -> None:
    """Of labels with one row in twenty, whose requests share words with others', drawn by the root unseen rows are told
    right more often, by five points or more, and all labels' on average by two. Means over four draws.
    """
    plain, balanced = (
        torch.tensor([tail.recall(llama, seed, order=order) for seed in shown.draws(4)])
        for order in (None, Balanced(power=0.5))
    )
    of = "recall of three labels with one row in twenty, more than without it"
    shown.over(of, (balanced - plain)[:, 0].tolist(), least=0.05)
    assert balanced[:, 1].mean() > plain[:, 1].mean() + 0.02
