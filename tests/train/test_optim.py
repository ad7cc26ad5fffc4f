"""The optimizer's groups and the course of the learning rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from homeostat.train.adapt.way import Tempo
from homeostat.train.optim import optimizer, rate, steer
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


def test_tensors_at_their_own_tempo() -> None:
    """A tensor's rate is multiplied with its factor, one whose time has not come gets no gradient and stays, bit by
    bit, and decay spares those that say so.
    """
    slow, late, plain = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(3))
    tempi = [Tempo(factor=0.5), Tempo(begins=0.5, decays=False), Tempo()]
    moves = optimizer([slow, late, plain], Recipe(lr=0.1, weight_decay=0.5), tempi)
    assert steer(moves.param_groups, 0.1, 0.4)
    assert not steer(moves.param_groups, 0.1, 0.49)
    assert (slow.requires_grad, late.requires_grad, plain.requires_grad) == (True, False, True)
    torch.autograd.backward((slow + late + plain).sum() * 0.0)
    moves.step()
    assert torch.equal(late, torch.ones(2, 2))
    assert torch.allclose(slow, torch.full((2, 2), 0.975))
    assert torch.allclose(plain, torch.full((2, 2), 0.95))
    assert steer(moves.param_groups, 0.1, 0.5)
    assert late.requires_grad
    torch.autograd.backward(late.sum())
    moves.step()
    assert torch.allclose(late, torch.full((2, 2), 0.9))


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
