"""Learning from ratings."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seen
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.preference.rated import Rated
from shown import Shown
from train.objectives.preference import planted


def test_rows_count_by_the_exponential_of_their_rating() -> None:
    """exp((rating - mean) / temperature), of mean 1 over the rows that are trained on."""
    step = seen.step([(3,), (5,)])
    rows = [replace(s, value=v) for s, v in zip(step.samples, (1.0, 0.0), strict=True)]
    step.samples, step.ground.train = rows, rows
    raised = [math.exp(0.5 / 0.25), math.exp(-0.5 / 0.25)]
    liked = [2 * r / sum(raised) for r in raised]
    each = F.cross_entropy(step.scores, step.right, reduction="none")
    wanted = (each * torch.tensor(liked)).mean()
    assert Rated().begin(step.ground)(step).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_equal_ratings_are_fine_tuning() -> None:
    """Where all replies were liked alike, nothing is changed."""
    step = seen.step([(3,), (5, 6)])
    assert Rated().begin(step.ground)(step).item() == pytest.approx(Completion()(step).item(), rel=1e-5)


def test_liked_replies_are_learned_and_others_hardly(llama: Path, shown: Shown) -> None:
    """Of right and wrong replies in equal number, rated so, the right ones gain; plain fine-tuning cannot tell them."""
    more = []
    for draw in shown.draws(1):
        rows = planted.thumbs(planted.pairs(seed=draw))
        learned = [planted.learned(llama, o, rows) for o in (Rated(temperature=0.25), Completion())]
        told = [planted.agreement(llama, on, 100 + draw)[0] for on in learned]
        assert told[0] > 0.75
        more.append(told[0] - told[1])
    shown.over("share of unseen rows of which the liked reply gains, more than by fine-tuning", more, least=0.1)
