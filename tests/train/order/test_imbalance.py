"""Balance: labels come in the shares that were asked for, and a rare one is told more often."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import seen
import tiny
from homeostat.llm.render import Rendered
from homeostat.train.fit import fit
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.imbalance import Balanced
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from shown import Shown
from train.test_fit import RECIPE, by_label, ground, job, samples

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


def test_rows_of_one_label_are_alike() -> None:
    """Each row of a label is drawn as often as the others of it."""
    rows = [Sample(Rendered((0, k), (token,))) for token, count in COUNTS.items() for k in range(count)]
    plan = Plan([3] * 600, 20, 0, 120, 0.0, Balanced().begin(seen.ground(rows)))
    found = np.bincount(np.concatenate(list(plan.rest(0))), minlength=600)
    assert max(np.ptp(part) for part in np.split(found, [500, 590])) <= 2


def recall(base: Path, order: RowOrder | None, seed: int) -> list[float]:
    """Share of each label's held-out rows that is told right after training on 100 : 100 : 2 rows."""
    rare, first = tiny.LABELS[-1], 10 + seed
    many = zip(samples(100, first), tiny.examples(each=100, seed=first), strict=True)
    few = zip(samples(2, 3 + seed), tiny.examples(each=2, seed=3 + seed), strict=True)
    rows = [s for s, e in many if e.target != rare] + [s for s, e in few if e.target == rare]
    on = ground(base, train=rows, held_out=samples(each=60, seed=1))
    work = job(base, replace(RECIPE, order=order, epochs=12, looks=6, patience=6, seed=seed), on=on)
    fit(work)
    return by_label(work)


@pytest.mark.slow
def test_a_rare_label_is_told_more_often(llama: Path, shown: Shown) -> None:
    """With one row in fifty of each other label's, drawn by the root the rare label's recall rises by twelve points
    and the labels' mean by four. Means over two seeds.
    """
    plain, balanced = (
        torch.tensor([recall(llama, order, seed) for seed in shown.draws(2)]) for order in (None, Balanced(power=0.5))
    )
    of = "recall of a label with one row in fifty, more than without it"
    shown.over(of, (balanced - plain)[:, -1].tolist(), least=0.12)
    assert balanced.mean() > plain.mean() + 0.04
