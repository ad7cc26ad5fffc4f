"""A version that is made again from what is on record is the same, and another one is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import TASK

from homeostat.errors import UnsuitedModel
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.workshop import Workshop


@pytest.mark.slow
def test_the_same_comes_out_byte_by_byte(shop: Workshop) -> None:
    """The champion comes out the same in every file; with another seed in its recipe it does not. Nothing is left of
    either.
    """
    champion = shop.champion(TASK)
    before = len(shop.store.versions.list()), list(shop.store.blobs.hashes())
    found = reproduce(shop, champion)
    assert found.same, found
    assert len(found.files) >= 2
    other = replace(champion, recipe={**champion.recipe, "seed": 5})
    assert not reproduce(shop, other).same
    assert (len(shop.store.versions.list()), list(shop.store.blobs.hashes())) == before
    assert not list(shop.run_folder("x").parent.glob("again_*"))


def test_what_cannot_be_made_again(shop: Workshop) -> None:
    """One that was not trained here, was broken for a drill, is several, has words of its own, or learned from rows
    that were erased since, is refused in a sentence that says why.
    """
    champion = shop.champion(TASK)
    for other, why in (
        (replace(champion, dataset=""), "was not trained here"),
        (replace(champion, recipe={"name": "drill"}), "was not trained here"),
        (replace(champion, recipe={"name": "ensemble"}), "copies of its members"),
        (replace(champion, recipe={"name": "retrieve"}), "words before them"),
    ):
        with pytest.raises(UnsuitedModel, match=why):
            reproduce(shop, other)
    dataset = shop.store.datasets.get(champion.dataset)
    shop.store.datasets.put(replace(dataset, rebuilt=dataset.id))
    with pytest.raises(UnsuitedModel, match="were erased since"):
        reproduce(shop, champion)
