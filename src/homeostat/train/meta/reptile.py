"""A beginning learned over past tasks: Reptile, first-order MAML, and joint training as what they have to beat.

Knows tensors and losses alone. Of an adapter only B is learned and A, drawn once, is shared and frozen: then tensors of
several tasks may be averaged, because ΔW is linear in B, where the mean of two whole adapters is not the mean of what
they do. It pays where past tasks contradict each other, so that no single model can serve them and the way to each has
to be short. Where one model can, as for intents over a trained encoder, it lowered the loss and not the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from homeostat.train.averaging import write


class Task(Protocol):
    """A past task, seen through the model whose tensors are learned."""

    def support(self) -> Tensor:
        """Loss of the model as it stands on rows to learn from: a scalar that gradients flow from."""
        ...

    def query(self) -> Tensor:
        """The same on other rows of the task."""
        ...


Draw = Callable[[np.random.Generator], Task]
"""One of the past tasks; twenty or more of them, or what is learned is those tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a beginning is learned."""

    rounds: int = 1000
    """Steps of the beginning."""
    tasks: int = 5
    """Tasks drawn for a round."""
    steps: int = 5
    """Steps on each of them."""
    rate: float = 0.01
    """Learning rate of these."""
    outer: float = 1.0
    """How far the beginning moves in the first round: for Reptile a share of the way to where the tasks have ended,
    for first-order MAML a learning rate. It falls to zero in a straight line."""
    seed: int = 0


def up_only(model: Any) -> list[torch.nn.Parameter]:
    """The B of every layer of a model that has an adapter, which alone take a gradient from now on."""
    found = []
    for name, tensor in model.named_parameters():
        tensor.requires_grad_(".lora_B." in name)
        if tensor.requires_grad:
            found.append(tensor)
    return found


def adapt(parameters: Sequence[Tensor], loss: Callable[[], Tensor], rate: float, steps: int) -> None:
    """Plain gradient descent. It keeps no state, which would carry something of one task over to the next."""
    for _ in range(steps):
        _descend(parameters, _gradients(parameters, loss), rate)


def adapted(parameters: Sequence[Tensor], task: Task, rate: float, steps: int) -> float:
    """Loss of a task's query after steps on its support, the tensors being put back: what a beginning is worth."""
    with _put_back(parameters), torch.enable_grad():
        adapt(parameters, task.support, rate, steps)
        return float(task.query().detach())


def reptile(parameters: Sequence[Tensor], draw: Draw, plan: Plan) -> None:
    """φ ← φ + ε · meanᵢ(θᵢ − φ), where θᵢ is what some steps on task i lead to (Nichol et al. 2018, 1803.02999).

    The tensors are where it begins, and what it has learned in the end.
    """

    def toward(task: Task) -> list[Tensor]:
        with _put_back(parameters) as before:
            adapt(parameters, task.support, plan.rate, plan.steps)
            return [start - end.detach() for start, end in zip(before, parameters, strict=True)]

    _learn(parameters, draw, plan, toward)


def first_order_maml(parameters: Sequence[Tensor], draw: Draw, plan: Plan) -> None:
    """φ ← φ − η · meanᵢ ∇ query loss at θᵢ (Finn et al. 2017, 1703.03400, without second derivatives)."""

    def toward(task: Task) -> list[Tensor]:
        with _put_back(parameters):
            adapt(parameters, task.support, plan.rate, plan.steps)
            return _gradients(parameters, task.query)

    _learn(parameters, draw, plan, toward)


def joint(parameters: Sequence[Tensor], draw: Draw, plan: Plan) -> None:
    """What is best for the mean of all tasks, by as many gradients as the others take: the beginning to be beaten.

    Every step goes against the gradient of a round's tasks, at `outer` times the rate of theirs, and down to zero.
    """
    step = replace(plan, rounds=plan.rounds * plan.steps, outer=plan.outer * plan.rate)
    _learn(parameters, draw, step, lambda task: _gradients(parameters, task.support))


def _learn(parameters: Sequence[Tensor], draw: Draw, plan: Plan, toward: Callable[[Task], list[Tensor]]) -> None:
    """Go, round after round, against the mean of what the tasks of the round say."""
    rng = np.random.default_rng([plan.seed, 6])
    for k in range(plan.rounds):
        said = [toward(draw(rng)) for _ in range(plan.tasks)]
        mean = [torch.stack(each).mean(0) for each in zip(*said, strict=True)]
        _descend(parameters, mean, plan.outer * (1.0 - k / plan.rounds))


def _gradients(parameters: Sequence[Tensor], loss: Callable[[], Tensor]) -> list[Tensor]:
    """Those of a loss; zero for tensors it does not depend on."""
    return list(torch.autograd.grad(loss(), list(parameters), materialize_grads=True))


@torch.no_grad()
def _descend(parameters: Sequence[Tensor], by: Sequence[Tensor], rate: float) -> None:
    torch._foreach_add_([p.detach() for p in parameters], list(by), alpha=-rate)


@contextmanager
def _put_back(parameters: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """The tensors as they are now, which come back afterwards."""
    before = [p.detach().clone() for p in parameters]
    try:
        yield before
    finally:
        write(parameters, before)
