"""The file a run is resumed from: everything the optimizer knows, and never half of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from homeostat.train import checkpoint
from homeostat.train.optim import optimizer
from homeostat.train.recipe import Recipe

Trained = tuple[list[torch.nn.Parameter], torch.optim.Optimizer]


def trained(steps: int) -> Trained:
    """A matrix and a vector after some steps towards noise."""
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.ones(3, 4)), torch.nn.Parameter(torch.ones(4))]
    moves = optimizer(parameters, Recipe(lr=0.1))
    step(parameters, moves, steps)
    return parameters, moves


def state(best: Sequence[torch.Tensor], progress: dict[str, Any]) -> checkpoint.State:
    """A run that keeps no average."""
    return checkpoint.State(best=best, average=(), progress=progress)


def step(parameters: list[torch.nn.Parameter], moves: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        torch.autograd.backward([((p - torch.randn_like(p)) ** 2).sum() for p in parameters])
        moves.step()
        moves.zero_grad()


def test_a_state_is_put_back(tmp_path: Path) -> None:
    """Tensors, the best ones, Adam's moments and step count come back bit by bit: the next steps are what they were."""
    parameters, moves = trained(5)
    best = [torch.full((3, 4), 7.0), torch.full((4,), 8.0)]
    checkpoint.save(tmp_path, parameters, moves, state(best, {"run": "a", "step": 5}))
    torch.manual_seed(3)
    step(parameters, moves, 3)
    others, their_moves = trained(0)
    kept = checkpoint.load(tmp_path, others, their_moves, "a")
    assert kept is not None
    assert kept.progress == {"run": "a", "step": 5}
    assert all(torch.equal(a, b) for a, b in zip(kept.best, best, strict=True))
    assert {float(their_moves.state[p]["step"]) for p in others} == {5.0}
    torch.manual_seed(3)
    step(others, their_moves, 3)
    assert all(torch.equal(a, b) for a, b in zip(parameters, others, strict=True))


def test_nothing_saved(tmp_path: Path) -> None:
    """Where nothing was saved, nothing is put back."""
    assert checkpoint.load(tmp_path, *trained(0), "a") is None


def test_another_run(tmp_path: Path) -> None:
    """What another run saved is left alone."""
    checkpoint.save(tmp_path, *trained(5), state([], {"run": "a"}))
    parameters, moves = trained(0)
    assert checkpoint.load(tmp_path, parameters, moves, "b") is None
    assert torch.equal(parameters[0], torch.ones(3, 4))
    assert moves.state == {}


@pytest.mark.parametrize("left", [b"", b"half a fi"])
def test_what_was_left_of_a_write_does_not_count(tmp_path: Path, left: bytes) -> None:
    """A write that was cut off leaves the state before it."""
    parameters, moves = trained(5)
    best = [p.detach().clone() for p in parameters]
    checkpoint.save(tmp_path, parameters, moves, state(best, {"run": "a", "step": 5}))
    (tmp_path / f"{checkpoint.FILE}.tmp").write_bytes(left)
    kept = checkpoint.load(tmp_path, *trained(0), "a")
    assert kept is not None
    assert kept.progress["step"] == 5
    checkpoint.save(tmp_path, parameters, moves, state(best, {"run": "a", "step": 6}))
    assert sorted(path.name for path in tmp_path.iterdir()) == [checkpoint.FILE]
