"""What a recipe learns of all there is: the one place for a turn's candidates and for those that are made by hand.

And when one that is made by hand was made.
"""

from __future__ import annotations

from dataclasses import replace

from homeostat.curate.build import Curated, Inputs, build
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.listening.held import without_held
from homeostat.loop.making.learn import curating, kept_tags, wished, with_copies
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Dataset
from homeostat.types.version import Version


def rows_of(shop: Workshop, inputs: Inputs, recipe: Recipe, *, afresh: bool) -> Curated:
    """The rows of a dataset for this recipe: nothing that is held back because it is doubted, of what was said only
    what the champion got wrong where the recipe wants that alone, and all that is remembered where the run begins
    `afresh`, at the bare base. Nothing is written.

    Raises:
        What `with_copies` raises.
    """
    tags = kept_tags(shop.config, inputs.task.name, recipe)
    inputs = replace(without_held(shop.store, inputs), tags=tags, only_wrong=recipe.only_wrong)
    inputs = inputs.afresh() if afresh else inputs
    built = build(wished(inputs, recipe), curating(shop, recipe))
    return with_copies(built, recipe, inputs.evaluation)


def made_at(shop: Workshop, dataset: Dataset, parent: Version | None) -> float:
    """When a version that is made now was made, in seconds since 1970 by the clock of the task's traffic: never before
    its rows or the champion that it comes after.
    """
    return max(clock(shop.config, shop.store, dataset.task), dataset.time, parent.time if parent else dataset.time)
