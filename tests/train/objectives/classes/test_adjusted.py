"""Logit adjustment, and what it does to a long tail."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seen
import tiny
from homeostat.llm.render import Rendered
from homeostat.train.fit import fit
from homeostat.train.objectives.classes.adjusted import Adjusted
from homeostat.train.objectives.classes.row_by_row import counts
from homeostat.train.objectives.completion import Completion
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Objective
from shown import Shown
from train.test_fit import RECIPE, by_label, ground, job, samples

PLAIN = Completion()


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


def test_replies_in_words_beside_labels() -> None:
    """They are of no class, and so not counted; a step of them is learned token by token."""
    labels = [Sample(Rendered((k,), (token,))) for k, token in enumerate((5, 2, 5))]
    words = [Sample(Rendered((9,), (1, 3, 7)), free=True), Sample(Rendered((8,), (5,)), free=True)]
    on = seen.ground([*labels, *words], allowed=torch.tensor([2, 5, 8]))
    assert counts(on).tolist() == [1.0, 2.0, 0.0]
    lesson = Adjusted().begin(on)
    step = seen.step([(1, 3, 7), (5,)], on=on.under(words))
    assert lesson(step).item() == pytest.approx(Completion()(step).item(), rel=1e-6)
    assert lesson.weigh(words) == 4.0


@cache
def recall(base: Path, seed: int, objective: Objective = PLAIN) -> tuple[float, float]:
    """Share right of held-out rows of a rare label, and of all labels alike, after training on 80 : 80 : 4 rows: a mean
    over which of the labels is the rare one. It is measured where training ends: the best of several looks at rows in
    which all labels are alike would be chosen by what nobody has who has a long tail.
    """
    recipe = replace(RECIPE, objective=objective, epochs=16, looks=1, seed=seed)
    each = [_recall(base, recipe, rare) for rare in range(len(tiny.LABELS))]
    found, mean = torch.tensor(each).mean(0).tolist()
    return found, mean


def _recall(base: Path, recipe: Recipe, rare: int) -> tuple[float, float]:
    seed = recipe.seed
    few, many = (samples(count, first) for count, first in ((4, 3 + seed), (80, 10 + seed)))  # the labels in turn
    rows = [row for k, row in enumerate(many) if k % len(tiny.LABELS) != rare]
    on = ground(base, train=[*rows, *few[rare :: len(tiny.LABELS)]], held_out=samples(each=60, seed=1 + seed))
    work = job(base, recipe, on=on)
    fit(work)
    found = by_label(work)
    return found[rare], sum(found) / len(found)


@pytest.mark.slow
def test_a_rare_label_is_found_more_often(llama: Path, shown: Shown) -> None:
    """With one row in twenty, the rare label's recall rises, and so does the labels' mean."""
    plain, adjusted = (
        torch.tensor([recall(llama, seed, objective) for seed in shown.draws(1)]) for objective in (PLAIN, Adjusted())
    )
    of = "recall of a label with one row in twenty, more than by cross-entropy"
    shown.over(of, (adjusted - plain)[:, 0].tolist(), least=0.05)
    assert adjusted[:, 1].mean() > plain[:, 1].mean() + 0.02
