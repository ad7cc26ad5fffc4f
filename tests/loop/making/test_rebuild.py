"""A version is made again without the rows that were erased, from the newest ancestor that never saw them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from small_project import TASK

from homeostat.curate.snapshot import examples
from homeostat.errors import UnsuitedModel
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.making.rebuild import rebuild, way
from homeostat.loop.undoing.erase import erase, plan
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote
from homeostat.store.erased import learned_from_erased
from homeostat.train.named import named
from homeostat.types.version import State
from loop.undoing.test_erase import LABEL, USER, WORDS, lived


@pytest.mark.slow
def test_every_step_after_the_clean_one_is_done_again(shop: Workshop) -> None:
    """Of a chain of three the first never saw the user: the second is trained again on what is left of its dataset, and
    the third on its own from the second that is new. What comes of it is clean, is trained in the same way, knows what
    they knew but for the user's own label, and doing it again makes nothing more.
    """
    second = lived(shop)
    recipe = replace(named("naive", shop.config.train), epochs=1.0, share=0.0)
    lesson = Lesson(task=TASK, dataset=second.dataset, recipe=recipe, version="ver_third", parent=second, time=2e9)
    third = learn(shop, lesson)
    promote(shop.store, TASK, third.id, "more", now=time.time())
    erase(shop, plan(shop, USER))
    found = way(shop, third)
    assert (found.begins.id if found.begins else "", [one.id for one in found.again]) == (
        second.parent,
        [second.id, third.id],
    )
    made = rebuild(shop, third)
    assert made is not None
    middle = shop.store.versions.get(made.parent)
    assert middle.parent == second.parent
    assert (made.recipe, middle.recipe["name"]) == (third.recipe, "careful")
    assert not {row.text for row in examples(shop.store, made.dataset)} & set(WORDS)
    assert set(learned_from_erased(shop.store)) == {second.id, third.id}
    assert set(made.labels) == set(third.labels) - {LABEL}
    assert ("rebuilds", third.id) in shop.store.lineage.parents(made.id)
    n = len(shop.store.versions.list())
    assert (rebuild(shop, third), len(shop.store.versions.list())) == (made, n)
    right = [row for row in shop.suite(TASK) if row.target in made.labels]
    replies = shop.replies(shop.config.task(TASK), made, [row.text for row in right])
    assert sum(a == row.target for a, row in zip(replies, right, strict=True)) / len(right) > 0.5
    promote(shop.store, TASK, made.id, "without them", now=time.time())
    done = erase(shop, plan(shop, ""))
    assert done.removed == {second.id: TASK, third.id: TASK} or shop.store.versions.get(second.id).state is State.ERASED
    assert shop.store.versions.get(third.id).state is State.ERASED
    assert shop.store.verify() == []


def test_a_first_version_begins_at_the_base(shop: Workshop) -> None:
    """Where the very first version saw the rows it is made again from the bare base; the same rows and recipe but for
    those give other weights.
    """
    first = shop.champion(TASK)
    erase(shop, plan(shop, "", [examples(shop.store, first.dataset)[0].text]))
    assert way(shop, first).begins is None
    made = rebuild(shop, first)
    assert made is not None
    assert (made.parent, made.labels) == ("", first.labels)
    assert made.blob != first.blob


def test_where_nothing_is_left(shop: Workshop) -> None:
    """If all rows of the first version are erased there is nothing to make it of; if teachers taught it, they are asked
    anew by whoever wants that.
    """
    first = shop.champion(TASK)
    with pytest.raises(UnsuitedModel, match="taught by others"):
        rebuild(shop, replace(first, teachers=("ver_x",)))
    erase(shop, plan(shop, "", [row.text for row in examples(shop.store, first.dataset)]))
    assert rebuild(shop, first) is None
    assert shop.store.verify() == []
