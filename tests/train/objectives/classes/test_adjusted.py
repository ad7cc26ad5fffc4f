"""Logit adjustment, and what it does to a long tail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seen
import tiny
from homeostat.train.fit import fit
from homeostat.train.objectives.classes.adjusted import Adjusted
from homeostat.train.objectives.classes.focal import Focal
from homeostat.train.objectives.completion import Completion
from homeostat.train.step import Objective
from shown import Shown
from train.test_fit import RECIPE, by_label, ground, job, samples


def test_scores_are_raised_while_they_are_learned() -> None:
    """Cross-entropy of scores + tau × log share of the class; of a class without rows there is a share too."""
    step = seen.step([(5,), (2,), (5,)], allowed=[2, 5, 8])
    shares = torch.tensor([2.0, 3.0, 1.0]) / 6
    wanted = F.cross_entropy(step.scores + 1.5 * shares.log(), step.right)
    assert Adjusted(tau=1.5).begin(step.ground)(step).item() == pytest.approx(wanted.item(), rel=1e-6)


def test_tau_zero_is_cross_entropy() -> None:
    """Nothing raised, nothing changed."""
    step = seen.step([(5,), (2,)], allowed=[2, 5, 8])
    assert Adjusted(tau=0.0).begin(step.ground)(step).item() == pytest.approx(Completion()(step).item(), rel=1e-6)


def recall(base: Path, objective: Objective, seed: int) -> list[float]:
    """Share of each label's held-out rows that is told right after training on 80 : 80 : 4 rows."""
    rare, first = tiny.LABELS[-1], 10 + seed
    rows = [s for s, e in zip(samples(80, first), tiny.examples(each=80, seed=first), strict=True) if e.target != rare]
    few = [
        s for s, e in zip(samples(4, 3 + seed), tiny.examples(each=4, seed=3 + seed), strict=True) if e.target == rare
    ]
    on = ground(base, train=[*rows, *few], held_out=samples(each=60, seed=1))
    work = job(base, replace(RECIPE, objective=objective, epochs=16, looks=8, patience=8, seed=seed), on=on)
    fit(work)
    return by_label(work)


@pytest.mark.slow
def test_a_rare_label_is_found_more_often(llama: Path, shown: Shown) -> None:
    """With one row in twenty, the rare label's recall rises by twelve points and the labels' mean by four; focal loss,
    which looks at hard rows whatever their label, does less. Means over two seeds.
    """
    plain, adjusted, focused = (
        torch.tensor([recall(llama, objective, seed) for seed in shown.draws(2)])
        for objective in (Completion(), Adjusted(), Focal())
    )
    assert adjusted.mean() > plain.mean() + 0.04
    assert adjusted[:, -1].mean() > focused[:, -1].mean()
    of = "recall of a label with one row in twenty, more than by cross-entropy"
    shown.over(of, (adjusted - plain)[:, -1].tolist(), least=0.12)
