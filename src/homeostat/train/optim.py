"""The optimizer and the learning rate's course: rise, then cosine down to a floor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from homeostat.train.recipe import Recipe


def optimizer(parameters: Sequence[torch.nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019, 1711.05101), fused; decay on matrices only."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=recipe.lr, betas=(0.9, 0.98), fused=True)


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate at `step` of `steps`: linear from zero, then cosine to `floor` of the peak."""
    rise = max(1, int(recipe.warm_up * steps))
    if step < rise:
        return recipe.lr * (step + 1) / rise
    along = (step - rise) / max(1, steps - rise)
    return recipe.lr * (recipe.floor + (1 - recipe.floor) * 0.5 * (1 + math.cos(math.pi * min(along, 1.0))))
