"""What a training that is asked for by hand would take, from what, and where it would begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from homeostat.cli.material import Wanted, goes_on
from homeostat.llm.load import width_of
from homeostat.loop.deciding.foresight import order_of
from homeostat.loop.making.learn import priced
from homeostat.loop.workshop import Workshop
from homeostat.train.budget import Budget
from homeostat.train.forecast import forecast
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.rates import rate_of
from homeostat.train.recipe import Recipe
from homeostat.train.run import warm_from
from homeostat.types.dataset import Origin
from homeostat.types.version import HEAD, Version

LIMITS = ("seconds", "flops", "watt_hours", "money")
"""What a budget may bound."""
ORIGINS = {"new": Origin.NEW, "replayed": Origin.REPLAY, "recalled": Origin.RECALL}
"""What the rows are to the run, in the words of a dataset's counts."""
ASIDE = "kept aside"
"""What a table calls the rows held out to judge by."""


def foretold(shop: Workshop, asked: Wanted) -> dict[str, Any]:
    """What it would take at most; nothing is written. Time and money are about, by the last training of this kind.

    Raises:
        As `homeostat.train.forecast.forecast`.
    """
    rows, labels, parent = asked.material.examples, asked.material.labels, asked.parent
    order = order_of(shop, asked.task, rows, labels, asked.recipe, parent)
    needed = forecast(order)
    counts = Counter(row.origin for row in rows)
    told = asdict(needed) | {name: counts[origin] for name, origin in ORIGINS.items()}
    told |= {"labels": len(labels), "recipe": asked.recipe.name, "parent": parent.id if parent else ""}
    told |= _begins(asked)
    if not isinstance(order.recipe.objective, Exact):
        rate = rate_of(order.recipe, width_of(order.start.base), warm=warm_from(order) is not None)
        told |= {"lr": rate, "epochs": order.recipe.epochs}
    told["budget"] = _limits(priced(shop.config, asked.task.name, order.recipe).budget)
    return told | _price(shop, asked, needed.flops)


def as_table(told: dict[str, Any]) -> dict[str, Any]:
    """The same for people: with the rows that are held out, of which tables tell nothing else."""
    return {ASIDE if name == "held_out" else name: value for name, value in told.items()}


def _begins(asked: Wanted) -> dict[str, str]:
    """Where it begins; and why there, where a recipe that goes on from a champion cannot."""
    parent, recipe = asked.parent, asked.recipe
    if parent is not None and goes_on(recipe, parent):
        return {"from": parent.id}
    if not recipe.warm_start or recipe.head:
        return {"from": "the bare base"}
    what = f"the champion {parent.id} is a head" if parent else f"task '{asked.task.name}' has no champion yet"
    return {"from": "the bare base", "why": f"recipe '{recipe.name}' goes on from a champion, and {what}"}


def _limits(budget: Budget) -> dict[str, float]:
    """What is bounded, and how."""
    return {name: getattr(budget, name) for name in LIMITS if getattr(budget, name)}


def _price(shop: Workshop, asked: Wanted, flops: float) -> dict[str, Any]:
    """Time and money, as the newest training of this kind took them for each operation; nothing where none was made."""
    made = next(_trained(shop, asked.task.name, asked.recipe), None)
    if made is None:
        return {}
    part, cost, prices = flops / made.cost["flops"], made.cost, shop.config.deciding(asked.task.name)
    cpu, gpu = part * cost["cpu_seconds"], part * cost.get("gpu_seconds", 0.0)
    money = (cpu * prices.price_per_cpu_hour + gpu * prices.price_per_gpu_hour) / 3600
    told = {"wall_seconds_about": part * cost.get("wall_seconds", 0.0), "cpu_seconds_about": cpu}
    return told | {"gpu_seconds_about": gpu, "money_about": money, "at_the_pace_of": made.id}


def _trained(shop: Workshop, task: str, recipe: Recipe) -> Iterator[Version]:
    """Versions of this kind whose training is known, newest first: those of the task before those of others."""
    versions = shop.store.versions.list()[::-1]
    for version in sorted(versions, key=lambda version: version.task != task):
        if version.cost.get("flops") and version.cost.get("cpu_seconds") and (version.kind == HEAD) == recipe.head:
            yield version
