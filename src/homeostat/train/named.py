"""Recipes by name, made from the configuration: what a turn may try, from the cheapest to the most thorough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from homeostat.config.schema import Train
from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.train.recipe import Recipe

HALF = 0.5
"""Passes of a careful run as a share of `train.epochs`, where `pace` has nothing to go by."""
GENTLE = frozenset({"careful", "thorough"})
"""Recipes that go on from the champion at the lower rate and make fewer passes: who knows most has less to learn."""
NAMES: dict[str, dict[str, Any]] = {
    "careful": {},
    "naive": {"replay": 0.0, "kl": 0.0, "warm_up": 0.1},
    "corrections": {"replay": 0.0, "kl": 0.0, "warm_up": 0.1, "only_wrong": True},
    "thorough": {"replay": 3.0, "kl": 4.0},
    "joint": {"replay": 0.0, "kl": 0.0, "warm_start": False},
    "first": {"replay": 0.0, "kl": 0.0, "warm_start": False},
}
"""`careful`: from the champion, with replay and divergence. `naive`: new rows alone, at the rate of a fresh start, the
control. `corrections`: the same on replies that were corrected, as one does it who fixes what went wrong and looks no
further. `thorough`: more of both. `joint`: from the bare base on everything. `first`: a task's first version."""


def named(name: str, settings: Train, *, replay: float = 1.0, where: str = "train.attempts") -> Recipe:
    """The recipe of this name under these settings.

    Raises:
        UnknownPlugin: there is no such recipe; `where` says who named it.
    """
    if name not in NAMES:
        raise UnknownPlugin(f"unknown recipe '{name}'", where=where, fix=did_you_mean(name, NAMES))
    gently = name in GENTLE
    epochs = max(1, round(HALF * settings.epochs)) if gently else settings.epochs
    plain = Recipe(
        name=name,
        adapt=settings.adapt,
        rank=settings.rank,
        alpha=2 * settings.rank,
        lr=settings.warm_lr if gently else settings.lr,
        epochs=epochs,
        batch_rows=settings.batch_rows,
        warm_up=settings.warmup,
        kl=settings.kl,
        refit=settings.refit,
        patience=settings.patience,
        looks=epochs,
        held_out=settings.held_out,
        seed=settings.seed,
        replay=replay,
    )
    return replace(plain, **NAMES[name])
