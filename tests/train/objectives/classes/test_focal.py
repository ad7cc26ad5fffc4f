"""Focal loss."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import seen
from homeostat.train.objectives.classes.focal import Focal, focal
from homeostat.train.objectives.completion import Completion


def test_gamma_zero_is_cross_entropy() -> None:
    """Without focus it is the plain loss."""
    step = seen.step([(5,), (2,)], allowed=[2, 5, 8])
    plain, none = Completion()(step), Focal(gamma=0.0).begin(step.ground)(step)
    assert none.item() == pytest.approx(plain.item(), rel=1e-6)


def test_rows_that_are_right_hardly_count() -> None:
    """A row told with 0.9 counts (1 - 0.9)² of its cross-entropy, one told with 0.1 0.81 of its own."""
    scores = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log()
    each, plain = (
        focal(scores, torch.tensor([0, 0]), 2.0),
        F.cross_entropy(scores, torch.tensor([0, 0]), reduction="none"),
    )
    assert (each / plain).tolist() == pytest.approx([0.01, 0.81], rel=1e-4)


def test_held_out_rows_are_measured_by_a_proper_score() -> None:
    """Early stopping goes by cross-entropy."""
    assert Focal().begin(seen.ground()).looked == Completion()
