"""Beginning at another domain's layers: the nearest is told with its reason, and few labels go further from there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tiny
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NotFound, UnsuitedModel
from homeostat.loop.deciding.borrowing import borrowed
from homeostat.loop.making.learn import BEGINS, FROM, Lesson, learn
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.version import Version
from loop.domains import right, unseen
from shown import Shown

CALLED = {"wrong_bill": "paper", "broken_pump": "iron", "light_out": "glass"}
"""What the labels of a domain are called where a new task has the same requests."""


def rows(each: int, seed: int = 8) -> list[Example]:
    return [replace(row, target=CALLED[row.target]) for row in tiny.examples(tuple(CALLED), each=each, seed=seed)]


def taught(shop: Workshop, name: str, few: list[Example], source: str) -> Version:
    """A version of a few steps on a few rows, from the bare base or from what is borrowed."""
    task = shop.config.task("routing")
    labels = tuple(CALLED.values())
    curated = Curated(examples=tuple(few), labels=labels)
    dataset = store_dataset(shop.store, curated, task="routing", turn="few", now=20.0)
    begins = borrowed(shop, task, few, labels, source) if source else None
    recipe = Recipe(
        name="first", lr=4e-3, max_steps=8, epochs=20, looks=1, batch_rows=10, held_out=0.0, warm_start=bool(source)
    )
    lesson = Lesson(
        task="routing",
        dataset=dataset.id,
        recipe=recipe,
        version=f"ver_{name}",
        borrows=begins.folder if begins else None,
        lender=begins.name if begins else "",
        time=20.0,
    )
    return learn(shop, lesson)


def test_the_nearest_is_told_with_its_reason(domains_shop: Workshop) -> None:
    """Of three other tasks' champions the one that learned requests like these, although it calls them otherwise; with
    a row of each label nothing is sure, and the bare base stays.
    """
    task, labels = domains_shop.config.task("routing"), tuple(CALLED.values())
    found = borrowed(domains_shop, task, rows(8), labels, "nearest")
    assert found.name == "ver_machines"
    assert found.choice is not None
    assert {one.name for one in found.choice.probed} == {"ver_machines", "ver_parcels", "ver_noise"}
    assert max(found.choice.probed, key=lambda one: one.cosine).name == "ver_machines"
    assert "ver_machines is better than the bare base by" in found.why
    nothing = borrowed(domains_shop, task, rows(1), labels, "nearest")
    assert (nothing.name, nothing.folder) == ("", None)
    assert "not surely better" in nothing.why


def test_few_labels_go_further_from_there(domains_shop: Workshop, draw: int, shown: Shown) -> None:
    """Eight rows of each label and eight steps, under names that the other domain never heard: more unseen rows are
    told right than from the bare base; the version is tied to whose layers it began at, and is made again from them.
    """
    shop = domains_shop
    few = rows(8, seed=10 * draw + 8)
    texts, target = unseen(tuple(CALLED), each=60, seed=10 * draw + 5)
    called = [CALLED[label] for label in target]
    plain, warm = taught(shop, "plain", few, ""), taught(shop, "warm", few, "nearest")
    gain = paired(right(shop, warm, texts, called), right(shop, plain, texts, called))
    shown.within("share of unseen rows told right after eight steps, more than from the bare base", gain)
    assert (BEGINS, "ver_machines") in shop.store.lineage.parents(warm.id)
    assert warm.recipe[FROM] == "ver_machines"
    assert FROM not in plain.recipe
    assert np.isfinite(warm.cost["held_out"])
    found = reproduce(shop, warm)
    assert found.same, found
    assert not reproduce(shop, replace(warm, recipe={**warm.recipe, FROM: "ver_parcels"})).same
    with pytest.raises(UnsuitedModel, match="of which the store keeps nothing: elsewhere"):
        reproduce(shop, replace(warm, recipe={**warm.recipe, FROM: "elsewhere"}))
    assert shop.store.verify() == []


def test_what_was_asked_for_by_name(domains_shop: Workshop) -> None:
    """A version, or a folder, is taken as it is; what is neither, or no adapter, is refused."""
    shop, task, labels = domains_shop, domains_shop.config.task("routing"), tuple(CALLED.values())
    version = borrowed(shop, task, rows(2), labels, "ver_parcels")
    assert version.name == "ver_parcels"
    assert version.folder is not None
    assert borrowed(shop, task, rows(2), labels, str(version.folder)).folder == version.folder
    for name, error in (("nowhere", NotFound), ("ver_nobody", NotFound)):
        with pytest.raises(error):
            borrowed(shop, task, rows(2), labels, name)
