"""The optimizer, and the course of the learning rate: a rise, then one of several ways down."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.extras import require
from homeostat.train.adapt.way import Tempo
from homeostat.train.recipe import Recipe

BETAS = (0.9, 0.98)
DECAY = 0.2
"""Share of the steps in which the rate of a `stable` run falls at the end."""


def optimizer(
    parameters: Sequence[torch.nn.Parameter], recipe: Recipe, tempi: Sequence[Tempo] = ()
) -> torch.optim.Optimizer:
    """What the recipe names, with decay on matrices only; each tensor at its tempo, if there are tempi.

    Raises:
        UnknownPlugin: there is no such optimizer.
        MissingExtra: it is in a package that is not installed.
    """
    if recipe.optimizer not in OPTIMIZERS:
        fix = did_you_mean(recipe.optimizer, OPTIMIZERS)
        raise UnknownPlugin(f"unknown optimizer '{recipe.optimizer}'", where="recipe.optimizer", fix=fix)
    alike: dict[tuple[bool, Tempo], list[torch.nn.Parameter]] = {}
    for parameter, tempo in zip(parameters, tempi or [Tempo()] * len(parameters), strict=True):
        alike.setdefault((parameter.ndim <= 1, tempo), []).append(parameter)
    groups = [
        {
            "params": tensors,
            "weight_decay": 0.0 if vectors or not tempo.decays else recipe.weight_decay,
            "factor": tempo.factor,
            "begins": tempo.begins,
        }
        for (vectors, tempo), tensors in sorted(alike.items(), key=lambda item: item[0][0])
    ]
    return OPTIMIZERS[recipe.optimizer](groups, recipe.lr)


def steer(groups: Sequence[dict[str, Any]], lr: float, along: float) -> bool:
    """Make an optimizer's groups ready for a step; whether what is trained is not what it was at the step before.

    Args:
        groups: as `optimizer` made them; each gets its own rate, and gradients from the moment it begins.
        lr: rate of this step where a tensor has no factor of its own.
        along: share of the steps that have been taken.
    """
    changed = False
    for group in groups:
        group["lr"], moves = lr * group["factor"], along >= group["begins"]
        for tensor in group["params"]:
            changed = changed or tensor.requires_grad is not moves
            tensor.requires_grad_(moves)
    return changed


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate at `step` of `steps`: linear from zero, then down to `floor` of the peak as `schedule` says.

    Raises:
        UnknownPlugin: there is no such schedule.
    """
    if recipe.schedule not in SCHEDULES:
        fix = did_you_mean(recipe.schedule, SCHEDULES)
        raise UnknownPlugin(f"unknown schedule '{recipe.schedule}'", where="recipe.schedule", fix=fix)
    rise = max(1, int(recipe.warm_up * steps))
    if step < rise:
        return recipe.lr * (step + 1) / rise
    along = min((step - rise) / max(1, steps - rise), 1.0)
    return recipe.lr * (recipe.floor + (1 - recipe.floor) * SCHEDULES[recipe.schedule](along))


def _cosine(along: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * along))


def _stable(along: float) -> float:
    """Constant, then down by the root: a run can be gone on from before it falls (Hägele et al. 2024, 2405.18392)."""
    return 1.0 if along < 1 - DECAY else 1 - math.sqrt((along - (1 - DECAY)) / DECAY)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": _cosine,
    "linear": lambda along: 1 - along,
    "stable": _stable,
    "constant": lambda along: 1.0,
}
"""Name -> height above the floor, from 1 to 0, at a share of the way from the end of the rise to the end of the run."""


def _adamw(groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """Loshchilov & Hutter (2019, 1711.05101), fused."""
    return torch.optim.AdamW(groups, lr=lr, betas=BETAS, fused=True)


def _schedule_free(groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """Defazio et al. (2024, 2405.15682): an average of the steps takes the place of the way down."""
    library = require("schedulefree", "to train without a schedule", extra="optimizers")
    made: torch.optim.Optimizer = library.AdamWScheduleFree(groups, lr=lr, betas=BETAS)
    return made


def _adamw_8bit(groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """Moments in eight bits (Dettmers et al. 2021, 2110.02861)."""
    library = require("bitsandbytes", "to keep the optimizer's moments in eight bits", extra="optimizers")
    made: torch.optim.Optimizer = library.optim.AdamW8bit(groups, lr=lr, betas=BETAS)
    return made


OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "schedule_free": _schedule_free,
    "adamw_8bit": _adamw_8bit,
}
