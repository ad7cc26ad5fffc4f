"""The optimizer's groups and the course of the learning rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from homeostat.train.optim import optimizer, rate
from homeostat.train.recipe import Recipe


def test_only_matrices_decay() -> None:
    """Weight decay pulls matrices towards zero and leaves vectors alone."""
    matrix, vector = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    moves = optimizer([matrix, vector], Recipe(lr=0.1, weight_decay=0.5))
    torch.autograd.backward(0.0 * (matrix.sum() + vector.sum()))
    moves.step()
    assert torch.allclose(matrix, torch.full((2, 2), 0.95))
    assert torch.equal(vector, torch.ones(2))


def test_a_group_without_tensors_is_left_out() -> None:
    """An adapter has matrices only, and one group."""
    assert len(optimizer([torch.nn.Parameter(torch.ones(2, 2))], Recipe()).param_groups) == 1


def test_the_course_of_the_rate() -> None:
    """The rate rises in a line to its peak, then falls along a cosine to its floor."""
    recipe = Recipe(lr=1.0, warm_up=0.1, floor=0.2)
    course = [rate(recipe, step, 100) for step in range(101)]
    assert course[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert max(course) == course[10] == 1.0
    assert all(a > b for a, b in pairwise(course[10:]))
    assert course[55] == pytest.approx(0.6, abs=1e-6)
    assert course[100] == pytest.approx(0.2)


def test_a_run_of_one_step() -> None:
    """A single step is taken at the peak."""
    assert rate(Recipe(lr=1.0), 0, 1) == 1.0
