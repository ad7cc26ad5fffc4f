"""A version that is made again from what is on record is the same, and another one is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import TASK

from homeostat.errors import UnsuitedModel
from homeostat.loop.reproduce import reproduce
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
    """A version that others taught, or that was not trained here, is refused in a sentence."""
    champion = shop.champion(TASK)
    with pytest.raises(UnsuitedModel, match="with the help of other versions"):
        reproduce(shop, replace(champion, teachers=("ver_x",)))
    with pytest.raises(UnsuitedModel, match="was not trained here"):
        reproduce(shop, replace(champion, dataset=""))
