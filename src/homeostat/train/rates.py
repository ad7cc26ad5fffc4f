"""The learning rate that suits a base, by its width and by what is trained of it.

The wider a model, the lower its best rate; an adapter's best rate is about ten times that of all weights, and hardly
depends on its rank (Schulman et al. 2025, "LoRA Without Regret"). The power of the width is theirs for Llama; the
height is what the built-in model was measured to want. A place to begin, which a sweep makes better.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from homeostat.train.recipe import Recipe

WIDTH, RATE = 256, 2e-3
"""Width of the built-in model, and the rate at which an adapter on it learns well."""
POWER = 0.781
"""The rate falls as the width to this power."""
FULL = 0.1
"""Rate of all weights as a share of an adapter's."""
WARM = 0.75
"""Rate of a run that goes on from a champion as a share of a fresh one's: a high one throws away what it knows."""


def suited(width: int, kind: str) -> float:
    """The highest learning rate that a fresh run should reach, to two digits.

    Args:
        width: numbers in a hidden state.
        kind: of the version, `lora` or `full`.
    """
    rate = RATE * (WIDTH / width) ** POWER * (FULL if kind == "full" else 1.0)
    return float(f"{rate:.2g}")


def with_rate(recipe: Recipe, config: Any, *, warm: bool) -> Recipe:
    """The recipe with a rate that suits a base, where it has none of its own (0).

    Args:
        recipe: as it was asked for.
        config: of a transformers model.
        warm: whether the run goes on from a champion.
    """
    if recipe.lr:
        return recipe
    return replace(recipe, lr=rate_of(recipe, int(config.hidden_size), warm=warm))


def rate_of(recipe: Recipe, width: int, *, warm: bool) -> float:
    """The rate of a recipe on a base of this width: its own, or what suits the base."""
    return recipe.lr or suited(width, recipe.adapt.kind) * (WARM if warm else 1.0) * recipe.bolder
