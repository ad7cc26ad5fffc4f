"""How many passes a careful run makes: as many as its share of joint retraining pays for.

A batch of new rows is a twentieth of what is remembered on one stream and a half on another. The same number of passes
would be far too dear on the second and leave most of what may be spent on the first.

Who sees a row less often than the recipe's rate is meant for has to make longer steps. Not where labels are new: their
rows pull all one way, and at the higher rate the run forgets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from homeostat.config.schema import Train
from homeostat.train.adapt.lora import Lora
from homeostat.train.champion import GAUGED
from homeostat.train.fit import LOOKED
from homeostat.train.recipe import Recipe
from homeostat.train.refit import SHOWN, SHOWN_LEAST
from homeostat.types.dataset import Example, Origin

LEAST = 1.25
"""Passes that are made whatever they cost: who has seen a row once, at a rate that rose and fell, has hardly met it."""
THRICE = 3.0
"""Passes below which the rate rises by what they lack, were every new row of a label that the champion knows."""
LEAST_STEPS = 32
"""Steps that are made whatever they cost: a share of next to nothing teaches nothing."""
FORWARD = 1 / 3
"""Cost of showing a row to the model, in training passes over it: there is no gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of a dataset by what is done with them."""

    new: int
    replayed: int
    known: int
    """All of them, those that are recalled among them."""
    strange: int = 0
    """New rows of labels that nothing else has, which the champion cannot know."""

    @staticmethod
    def of(examples: Sequence[Example]) -> Rows:
        """Count them."""
        counts = Counter(example.origin for example in examples)
        met = {example.target for example in examples if example.origin is not Origin.NEW}
        return Rows(
            new=counts[Origin.NEW],
            replayed=counts[Origin.REPLAY],
            known=len(examples),
            strange=sum(example.target not in met for example in examples),
        )


def paced(recipe: Recipe, settings: Train, rows: Rows, labels: Sequence[str]) -> Recipe:
    """The recipe with the passes that its share pays for on these rows; one that has no share as given.

    Its rate rises where rows are seen less than three times, by what is lacking, and the less of it the more new rows
    have labels the champion does not know. It looks at the held-out rows every second pass, for looks cost a part of
    the share too. A task that answers in words remembers no rows beside those it is trained on: nothing to go by.
    """
    if not recipe.share or not labels:
        return recipe
    made = passes(recipe, settings.epochs, rows, len(labels))
    due = min(THRICE - (THRICE - 1.0) * rows.strange / max(rows.new, 1), recipe.epochs)
    bolder = max(1.0, due / made)
    recipe = replace(recipe, epochs=made, looks=_looks(made))
    return replace(recipe, lr=recipe.lr * bolder) if recipe.lr else replace(recipe, bolder=bolder)


def passes(recipe: Recipe, most: int, rows: Rows, labels: int) -> float:
    """Passes over new and replayed rows that cost the recipe's share of `most` passes over all known ones.

    What has no gradient is paid first. Layers that stay as they are cost a pass over each row, once, whoever reads it.
    """
    learned, bottom = 1.0 - recipe.held_out, _bottom(recipe)
    others, asked = _others(recipe, rows, labels), _asked(recipe, most, rows, labels)
    left = recipe.share * most * learned * rows.known - FORWARD * (bottom * others + (1.0 - bottom) * asked)
    one_pass = max(learned * (rows.new + rows.replayed), 1.0)
    paid = (left / one_pass - FORWARD * bottom) / (1.0 - bottom)
    made = max(LEAST, paid, LEAST_STEPS * recipe.batch_rows / one_pass)
    return round(min(made, float(most)), 2)


def _bottom(recipe: Recipe) -> float:
    """The part of the layers that stays as it is, where it is told as a part."""
    bottom = recipe.adapt.bottom if isinstance(recipe.adapt, Lora) else 0.0
    return bottom if bottom < 1 else 0.0


def _asked(recipe: Recipe, most: int, rows: Rows, labels: int) -> float:
    """Rows the model is asked about without learning: how far it moves, what the champion says of replayed rows (unless
    it has kept their states), looks, and what the labels' rows are fitted to. A row counts as often as it is asked.
    """
    held = recipe.held_out * rows.known
    moved = 2 * min(GAUGED, rows.new)
    told = (1.0 - recipe.held_out) * rows.replayed if recipe.penalties and not recipe.carry else 0.0
    looked = _looks(most / 2) * min(LOOKED, held)
    return moved + told + looked + held + (_fitted(recipe, rows, labels) if recipe.refit else 0.0)


def _others(recipe: Recipe, rows: Rows, labels: int) -> float:
    """Rows that are asked about and not learned."""
    beside = _fitted(recipe, rows, labels) - (1.0 - recipe.held_out) * (rows.new + rows.replayed)
    return recipe.held_out * rows.known + (max(0.0, beside) if recipe.refit else 0.0)


def _fitted(recipe: Recipe, rows: Rows, labels: int) -> float:
    """Rows that are read for the labels' rows to be fitted to."""
    shown = min((1.0 - recipe.held_out) * rows.known, max(SHOWN_LEAST, SHOWN * labels))
    if recipe.carry:  # the champion has kept the states of the others
        return min(shown, (1.0 - recipe.held_out) * (rows.new + rows.replayed))
    return shown


def _looks(passes: float) -> int:
    return max(2, math.ceil(passes / 2))
