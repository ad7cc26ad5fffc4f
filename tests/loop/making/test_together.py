"""What several versions know together: labels in order, every text once as it was told last, and nothing that tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tiny
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import examples, store_dataset
from homeostat.errors import NothingToTrainOn
from homeostat.loop.making.together import Together
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind
from homeostat.types.version import Version
from loop.domains import DOMAINS, LABELS


def together(shop: Workshop, *names: str) -> Together:
    members = tuple(shop.store.versions.get(f"ver_{name}") for name in names or DOMAINS)
    return Together(task=shop.config.task("routing"), members=members)


def taught(shop: Workshop, name: str, rows: list[Example], time: float) -> Version:
    """A version that is said to have learned these rows."""
    labels = tuple(dict.fromkeys(row.target for row in rows))
    curated = Curated(examples=tuple(rows), labels=labels)
    dataset = store_dataset(shop.store, curated, task="routing", turn=name, now=time)
    return Version(id=f"ver_{name}", task="routing", time=time, base="", labels=labels, dataset=dataset.id)


def test_labels_come_in_the_order_of_the_members(domains_shop: Workshop) -> None:
    """The first member's first, so that their codes stay, and none for a task of texts."""
    assert together(domains_shop).labels == LABELS
    assert together(domains_shop, "machines", "parcels").labels == (*DOMAINS["machines"], *DOMAINS["parcels"])
    both = together(domains_shop)
    assert replace(both, task=replace(both.task, kind=Kind.TEXT)).labels == ()


def test_every_row_of_all_comes_once(domains_shop: Workshop) -> None:
    """As new rows of the task that is asked for; a version named twice, or a text that two learned, adds nothing."""
    rows = together(domains_shop).rows(domains_shop)
    assert len(rows) == len({row.text for row in rows}) == 5 * 80
    assert {(row.origin, row.task) for row in rows} == {(Origin.NEW, "routing")}
    assert len(together(domains_shop, "parcels", "routing_parcels").rows(domains_shop)) == 2 * 80


def test_bad_replies_are_known_to_nobody_but_who_learned_them(domains_shop: Workshop) -> None:
    """What was rated badly is no row of what several versions know together."""
    rows = [replace(row, value=k % 2) for k, row in enumerate(tiny.examples(each=2))]
    one = taught(domains_shop, "rated", rows, 1.0)
    both = Together(task=domains_shop.config.task("routing"), members=(one,))
    assert {row.text for row in both.rows(domains_shop)} == {row.text for row in rows if row.value}


def test_what_was_told_last_holds(domains_shop: Workshop) -> None:
    """A text of which two versions learned otherwise has the newer word; labels that no member knows are left out."""
    shop, text = domains_shop, "where is the thing that I asked for"
    older = taught(shop, "older", [Example(text=text, target="late_delivery", time=1.0), *tiny.examples(each=2)], 1.0)
    newer = taught(shop, "newer", [Example(text=text, target="refund_request", time=2.0), *tiny.examples(each=2)], 2.0)
    both = Together(task=shop.config.task("routing"), members=(newer, older))
    assert [row.target for row in both.rows(shop) if row.text == text] == ["refund_request"]
    narrow = replace(both, members=tuple(replace(one, labels=("late_delivery",)) for one in both.members))
    assert {row.target for row in narrow.rows(shop)} == {"late_delivery"}


def test_nothing_like_a_test_row_is_among_them(domains_shop: Workshop) -> None:
    """Of the suite of the task that is asked for."""
    shop = domains_shop
    text = together(shop).rows(shop)[0].text
    shop.put_suite("routing", [Exam(text=text, target=LABELS[0], time=0.0)])
    try:
        rows = together(shop).rows(shop)
    finally:
        shop.put_suite("routing", [])
    assert text not in {row.text for row in rows}
    assert len(rows) < 5 * 80


def test_what_is_held_out_is_what_every_training_holds_out(domains_shop: Workshop) -> None:
    """The same rows whoever else is there, about the share that recipes hold out."""
    shop = domains_shop
    every, one = together(shop), together(shop, "parcels")
    held = {row.text for row in every.held_out(shop, every.rows(shop))}
    own = {row.text for row in one.held_out(shop, one.rows(shop))}
    parcels = {row.text for row in one.rows(shop)}
    assert own == held & parcels
    assert 0.03 < len(held) / 400 < 0.25


def test_they_are_kept_as_one_dataset(domains_shop: Workshop) -> None:
    """With the members' datasets for parents, as old as the oldest, the same for the same rows; none of no rows."""
    shop = domains_shop
    of = together(shop)
    rows = of.rows(shop)
    kept = of.keep(shop, rows)
    assert kept is not None
    assert set(kept.parents) == {member.dataset for member in of.members}
    assert kept.time == 10.0
    assert examples(shop.store, kept.id) == rows
    assert of.keep(shop, rows) == kept
    assert of.keep(shop, []) is None
    nobody = Together(task=of.task, members=tuple(replace(one, dataset="") for one in of.members))
    assert nobody.rows(shop) == []
    with pytest.raises(NothingToTrainOn):
        store_dataset(shop.store, Curated(examples=()), task="routing", turn="none", now=0.0)
