"""What a training gains, told from short ones on a quarter, a half and all of the older rows: where their curve leads.

A whole training learns from more rows than a probe may hold back from measuring, so what the probe gains is too little.
Each share is a training as a turn would make it on so many rows, and the rows that all are measured on are the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.curate.build import Inputs, build
from homeostat.decide.option import Option, Point
from homeostat.errors import HomeostatError
from homeostat.loop.deciding.ground import Ground, Measured, measured, unknown
from homeostat.loop.making.learn import curating, held_by, start_of
from homeostat.loop.workshop import Workshop
from homeostat.stats.curves import reach
from homeostat.stats.intervals import paired
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.types.dataset import Example

STEPS = 100
"""Steps of a training that is probed, at most: a short one gains less than a long one, so its gain is no promise."""
SHARES = (0.25, 0.5, 1.0)
"""Of the older rows, that a training is tried on."""
LEAST = 40
"""Older rows below which only all of them are tried: a quarter of fewer teaches nothing that can be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Trainings on some of the older rows."""

    sizes: tuple[int, ...]
    found: tuple[Measured, ...]
    """Each on the later rows."""


def trained(shop: Workshop, ground: Ground, name: str, recipe: Recipe, values: Sequence[float]) -> Option:
    """What a training by a recipe is expected to gain; nothing is known of one that breaks.

    Args:
        shop: whose versions they are.
        ground: what is probed on.
        name: of the recipe.
        recipe: what is tried.
        values: how right the champion's replies to the later rows are.
    """
    try:
        tried = trials(shop, ground, name, recipe)
    except HomeostatError as broken:
        return unknown(name, f"training by `{name}`, whose probe broke off: {broken.what}")
    return told(name, ground, tried, values)


def trials(shop: Workshop, ground: Ground, name: str, recipe: Recipe) -> Tried:
    """Train on each share of the older rows, drawn once and each a part of the next. Raises as `carried_out`."""
    order = np.random.default_rng(shop.config.train.seed).permutation(len(ground.earlier)).tolist()
    shares = SHARES if len(ground.earlier) >= LEAST else SHARES[-1:]
    sizes = tuple(round(share * len(order)) for share in shares)
    found = [_short(shop, ground, name, recipe, [ground.earlier[k] for k in sorted(order[:n])]) for n in sizes]
    return Tried(sizes=sizes, found=tuple(found))


def told(name: str, ground: Ground, tried: Tried, values: Sequence[float]) -> Option:
    """What the trials say of a training on all rows that are known: by their curve, or else by the largest of them."""
    gains = [paired(one.values, values) for one in tried.found]
    own, steps = gains[-1], tried.found[-1].steps
    points = tuple(Point(rows=n, gain=gain) for n, gain in zip(tried.sizes, gains, strict=True))
    known = max(ground.known, tried.sizes[-1])
    curve = reach(tried.sizes, [one.values for one in tried.found], values, known)
    begun = f"training by `{name}`, of which {steps:.0f} steps were tried on {len(ground.earlier)} verified rows"
    if isinstance(curve, str):
        return Option(name=name, gain=own, cpu_s=0.0, says=f"{begun} (no curve: {curve})", points=points)
    rises = " and ".join(f"{one.gain.mean:.3f} on {one.rows}" for one in points)
    says = f"{begun}; its curve ({rises}) comes to {curve.mean:.3f} on the {known} there are"
    return Option(name=name, gain=curve, cpu_s=0.0, says=says, points=points, short=own)


def _short(shop: Workshop, ground: Ground, name: str, recipe: Recipe, learned: Sequence[Example]) -> Measured:
    """A short training on some rows, asked of the later ones."""
    inputs = Inputs(
        task=ground.task,
        imported=learned,
        memory=ground.memory,
        labels=ground.champion.labels,
        recall=recipe.recalls_of(ground.task),
    )
    rows = build(inputs.afresh() if recipe.afresh else inputs, curating(shop, recipe))
    folder = shop.run_folder(f"probe.{name}")
    short = paced(recipe, shop.config.train, Rows.of(rows.examples), rows.labels)
    order = Order(
        task=ground.task,
        start=start_of(shop, ground.champion),
        examples=rows.examples,
        labels=rows.labels,
        recipe=replace(short, max_steps=min(short.max_steps or STEPS, STEPS)),
        folder=folder,
        held=held_by(shop, ground.champion),
    )
    try:
        return measured(shop, ground, order)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
