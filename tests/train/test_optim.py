"""The optimizer's groups and the course of the learning rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from homeostat.errors import UnknownPlugin
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.way import Tempo
from homeostat.train.fit import fit
from homeostat.train.optim import optimizer, rate, steer
from homeostat.train.recipe import Recipe
from train.test_fit import RECIPE, equal, held_out, job, tensors


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


@pytest.mark.parametrize(
    ("schedule", "heights"),
    [("linear", [1.0, 0.75, 0.5, 0.0]), ("stable", [1.0, 1.0, 1.0, 0.0]), ("constant", [1.0, 1.0, 1.0, 1.0])],
)
def test_other_ways_down(schedule: str, heights: list[float]) -> None:
    """Height above the floor at the end of the rise, a quarter and a half of the way down, and at the end."""
    recipe = Recipe(lr=1.0, warm_up=0.2, floor=0.1, schedule=schedule)
    wanted = [0.1 + 0.9 * height for height in heights]
    assert [rate(recipe, step, 100) for step in (20, 40, 60, 100)] == pytest.approx(wanted)


def test_names_that_are_not_there() -> None:
    """The nearest optimizer or schedule is named."""
    with pytest.raises(UnknownPlugin, match="did you mean 'adamw'"):
        optimizer([torch.nn.Parameter(torch.ones(2, 2))], Recipe(optimizer="adamv"))
    with pytest.raises(UnknownPlugin, match="did you mean 'cosine'"):
        rate(Recipe(schedule="cosin"), 5, 10)


def test_without_a_schedule(llama: Path, tmp_path: Path) -> None:
    """Schedule-free AdamW learns at a constant rate, keeps the average that it is measured by, and goes on after a
    break as if there had been none, bit by bit.
    """
    pytest.importorskip("schedulefree", reason="it is in the extra `optimizers`")
    recipe = replace(RECIPE, optimizer="schedule_free", schedule="constant", lr=2e-2, epochs=10)
    whole, broken, resumed = job(llama, recipe), job(llama, recipe), job(llama, recipe)
    fitted = fit(whole)
    assert held_out(whole)[0] == pytest.approx(fitted.progress.best, abs=1e-4)
    assert held_out(whole)[1] > 0.65

    def stop(values: dict[str, float]) -> None:
        if values["step"] > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(replace(broken, workspace=tmp_path, report=stop))
    fit(replace(resumed, workspace=tmp_path))
    assert equal(tensors(whole), tensors(resumed))


def test_moments_in_eight_bits(llama: Path) -> None:
    """AdamW learns as well with moments in eight bits, which are what it keeps of every large tensor."""
    pytest.importorskip("bitsandbytes", reason="it is in the extra `optimizers`")
    recipes = [replace(RECIPE, optimizer=name, lr=5e-3, epochs=6, adapt=Full()) for name in ("adamw", "adamw_8bit")]
    large = torch.nn.Parameter(torch.ones(64, 128))
    moves = optimizer([large], recipes[1])
    (large**2).sum().backward()  # type: ignore[no-untyped-call]
    moves.step()
    assert sum(getattr(each, "dtype", None) == torch.uint8 for each in moves.state[large].values()) == 2
    best = [fit(job(llama, recipe)).progress.best for recipe in recipes]
    assert best[1] < best[0] + 0.05
