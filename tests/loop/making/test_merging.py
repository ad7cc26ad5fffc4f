"""Merging: two domains' versions become one that tells both, is tied to its parents, and is erased with their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.curate.snapshot import examples
from homeostat.errors import NotReleasable, UnsuitedModel
from homeostat.loop.making.merging import RELATION, Merge, foreseen, merge
from homeostat.loop.making.rebuild import way
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.store.erased import learned_from_erased
from homeostat.train.transfer.blend import How
from homeostat.types.task import Kind
from homeostat.types.version import State, Version
from loop.domains import DOMAINS, LABELS, right, unseen
from shown import Shown


def wish(shop: Workshop, *names: str, task: str = "routing", **how: object) -> Merge:
    members = tuple(shop.store.versions.get(f"ver_{name}") for name in names or DOMAINS)
    return Merge(task=shop.config.task(task), members=members, how=How(**how))  # type: ignore[arg-type]


def test_one_version_tells_what_both_did(domains_shop: Workshop, shown: Shown) -> None:
    """Merged of two domains whose labels have the same codes, it tells far more unseen rows right than either, and more
    than the bare base whose labels' rows were fitted to the same rows, which is what a merge of nothing would be; it is
    a candidate of the task that was asked for, and names its parents.
    """
    shop = domains_shop
    done = merge(shop, wish(shop))
    made, (texts, target) = done.version, unseen()
    assert (made.state, made.kind, made.task, made.labels) == (State.CANDIDATE, "lora", "routing", LABELS)
    assert {id for relation, id in shop.store.lineage.parents(made.id) if relation == RELATION} == {
        "ver_parcels",
        "ver_machines",
    }
    mine = right(shop, made, texts, target)
    members = [shop.store.versions.get(f"ver_{name}") for name in DOMAINS]
    best = max((right(shop, one, texts, target) for one in members), key=np.mean)
    assert paired(mine, best).low > 0.1
    assert np.mean(mine) > 0.75
    nothing = merge(shop, wish(shop, weights=(1e-6, 1e-6))).version
    of = "share of unseen rows of two domains told right, more than where next to nothing of the adapters is merged"
    shown.within(of, paired(mine, right(shop, nothing, texts, target)))
    assert done.found is not None
    assert done.found.rank == sum(16 for _ in members)
    assert [line.name for line in done.found.lines] == ["ver_parcels", "ver_machines", "merged"]
    assert done.found.gain is not None
    assert done.found.gain.low > 0
    again = merge(shop, wish(shop))
    assert (again.version.id, again.found) == (made.id, None)
    assert shop.store.verify() == []


@pytest.mark.slow
def test_weights_are_searched_on_rows_that_no_training_saw(domains_shop: Workshop) -> None:
    """The search asks many sums, moves off the mean, and is written into the recipe; the rank is kept to `svd`'s."""
    done = merge(domains_shop, wish(domains_shop, way="svd", search=True))
    assert done.found is not None
    assert done.found.asked > 5
    assert done.found.rank == 16
    assert done.version.recipe["weights"] == list(done.found.weights.every) != [0.5, 0.5]
    rows = examples(domains_shop.store, done.version.dataset)
    assert {row.target for row in rows} == set(LABELS)
    assert len(rows) == 400
    found = reproduce(domains_shop, done.version)  # by the weights that were found, block by block
    assert found.same, found


def test_what_is_known_of_it_afterwards(domains_shop: Workshop) -> None:
    """Rows erased of one parent taint it, and it is made again without them by one training of what is left."""
    shop = domains_shop
    made = merge(shop, wish(shop)).version
    of = shop.store.versions.get("ver_machines").dataset
    assert learned_from_erased(shop.store, also={of})[made.id]
    assert way(shop, made, {made.id: of}).again == (made,)


SLOW = [pytest.param(way, marks=pytest.mark.slow) for way in ("svd", "ties", "dare")]


@pytest.mark.parametrize("way", ["cat", *SLOW])
def test_the_same_comes_out_when_it_is_merged_again(way: str, domains_shop: Workshop) -> None:
    """Byte by byte, and its rows of the labels too; by another weight something else does. What was merged before all
    of this was kept is refused, with what is missing.
    """
    shop = domains_shop
    made = merge(shop, wish(shop, way=way, weights=(0.6, 0.4))).version
    versions = len(shop.store.versions.list())
    found = reproduce(shop, made)
    assert found.same, found
    assert {"adapter_model.safetensors", "adapter_config.json"} <= set(found.files)
    other = reproduce(shop, replace(made, recipe={**made.recipe, "weights": [0.5, 0.5]}))
    assert (other.same, other.files["adapter_model.safetensors"]) == (False, False)
    older = {key: value for key, value in made.recipe.items() if key != "held_out"}
    with pytest.raises(UnsuitedModel, match="did not keep what this takes: held_out"):
        reproduce(shop, replace(made, recipe=older))
    assert len(shop.store.versions.list()) == versions
    assert not list(shop.run_folder("any").parent.glob("again_*"))


def test_a_dry_run_writes_nothing(domains_shop: Workshop) -> None:
    """It says what would be merged, and by how many rows."""
    before = len(domains_shop.store.versions.list()), len(domains_shop.store.datasets.list())
    told = foreseen(domains_shop, wish(domains_shop, way="ties"))
    assert (told["labels"], told["rows"], told["of"]) == (5, 400, ["ver_parcels", "ver_machines"])
    assert (len(domains_shop.store.versions.list()), len(domains_shop.store.datasets.list())) == before


def test_what_cannot_be_merged(domains_shop: Workshop) -> None:
    """Versions that are no adapter of the base, too many, of tasks that reply otherwise, or with weights too few."""
    shop, good = domains_shop, wish(domains_shop)
    one, two = good.members

    def refused(*members: Version) -> Merge:
        return replace(good, members=members)

    for changed, error in (
        (refused(one, replace(two, kind="full")), UnsuitedModel),
        (refused(one, replace(two, base="elsewhere")), UnsuitedModel),
        (refused(*[one] * 6), UnsuitedModel),
        (replace(good, task=replace(good.task, kind=Kind.TEXT)), NotReleasable),
        (replace(good, how=How(weights=(1.0,))), UnsuitedModel),
        (replace(good, how=How(way="dare", search=True)), UnsuitedModel),
    ):
        with pytest.raises(error):
            foreseen(shop, changed)
