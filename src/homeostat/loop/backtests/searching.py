"""What a sweep of a project's recipe searches, from where, and at what price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from homeostat.errors import WrongType
from homeostat.llm.load import width_of
from homeostat.loop.workshop import Workshop
from homeostat.train.named import NAMES
from homeostat.train.rates import WARM, suited
from homeostat.train.recipe import plain
from homeostat.train.run import Order, is_taught, warm_from
from homeostat.train.sweep.space import read, usual
from homeostat.train.sweep.trials import Sweep
from homeostat.types import ids
from homeostat.types.version import HEAD, Version


def sweep_of(shop: Workshop, order: Order, dataset: str) -> Sweep:
    """The sweep of a training; the same rows, recipe and space are the same sweep, whenever it is asked for.

    Raises:
        WrongType: no rows are held out to choose by, or the space is none.
        UnknownKey: the space names a field that the recipe has not.
        ModelNotFound, CorruptWeights, UnsafeWeights: the base cannot be opened.
    """
    settings, warm = shop.config.sweep, warm_from(order) is not None
    if not order.recipe.held_out:
        fix = "hold out a tenth (0.1): a sweep that judges by what was learned finds what learns by heart"
        raise WrongType(
            "a sweep chooses by rows that are held out, and there are none", where="train.held_out", fix=fix
        )
    rate = suited(width_of(order.start.base), order.recipe.adapt.kind) * (WARM if warm else 1.0)
    recipe = replace(order.recipe, lr=order.recipe.lr or rate)
    space = (
        read(settings.space, recipe, warm=warm)
        if settings.space
        else usual(recipe, rate, warm=warm, taught=is_taught(order))
    )
    start = [order.start.base, order.start.folder, dataset]
    name = ids.derived("swp", *start, sorted(plain(recipe).items()), sorted((k, repr(v)) for k, v in space.items()))
    return Sweep(
        order=replace(order, recipe=recipe),
        space=space,
        trials=settings.trials,
        folder=Path(shop.config.folder) / "sweeps" / name,
        threads=shop.config.model.threads,
    )


def speed(parent: Version | None) -> float:
    """Operations a second of the training that made a version; 0 where it is not known."""
    cost = parent.cost if parent else {}
    return cost.get("flops", 0.0) / cost["cpu_seconds"] if cost.get("cpu_seconds") else 0.0


def like(shop: Workshop, base: str) -> Version | None:
    """The newest version of a base whose training was measured by steps, of whatever task."""
    known = [one for one in shop.store.versions.list() if one.base == base and one.kind != HEAD and speed(one)]
    return max(known, key=lambda one: one.time, default=None)


def pasted(shop: Workshop, recipe: str, fields: dict[str, Any]) -> str:
    """The lines that make these fields a recipe of `homeostat.yaml`, like the one that was swept."""
    like = {"like": recipe} if recipe in NAMES else dict(shop.config.train.recipes[recipe])
    return yaml.safe_dump({"train": {"recipes": {"swept": like | fields}}}, sort_keys=False, default_flow_style=None)
