"""A queue of requests to label: what chance drew measures, what was picked for its doubt only teaches."""

from __future__ import annotations

from small_project import TASK

from homeostat.curate.snapshot import gather
from homeostat.loop.labeling import asked_of, known_labels, label, queue
from homeostat.loop.steps import gather as evidence
from homeostat.loop.workshop import Workshop
from homeostat.types.feedback import FeedbackKind
from loop.bystander import NOW


def test_what_waits_waits_until_it_is_labeled(shop: Workshop) -> None:
    """The same requests are asked again, in the same order, and new ones come after them."""
    first = queue(shop.store, TASK, 10)
    assert len(first) == 10
    assert queue(shop.store, TASK, 10) == first
    assert queue(shop.store, TASK, 15)[:10] == first
    assert all(not one.drawn for one in first) is False
    said = {one.interaction: "refund" for one in first[:4]}
    assert label(shop.config, shop.store, TASK, said, by="ana", now=NOW.until) == 4
    left = queue(shop.store, TASK, 10)
    assert not {one.interaction for one in left} & set(said)
    assert [one.interaction for one in left[:6]] == [one.interaction for one in first[4:]]


def test_what_was_picked_teaches_and_does_not_measure(shop: Workshop) -> None:
    """All labels are learned; accuracy and gain are told by those that nobody picked."""
    before = evidence(shop, NOW, [])
    waiting = queue(shop.store, TASK, 20)
    assert set(asked_of(shop.store, TASK)) == {one.interaction for one in waiting}
    drawn = [one for one in waiting if one.drawn]
    assert 0 < len(drawn) < 10
    label(shop.config, shop.store, TASK, {one.interaction: "warranty" for one in waiting}, by="ana", now=NOW.until)
    after = evidence(shop, NOW, [])
    assert after.n_labels == before.n_labels + 20
    assert before.accuracy is not None
    assert after.accuracy is not None
    assert after.accuracy.n == before.accuracy.n + len(drawn)
    every = shop.store.interactions.labeled(TASK)
    assert len(every) - len(shop.store.interactions.labeled(TASK, measuring=True)) == 20 - len(drawn)
    inputs = gather(shop.store, shop.config.task(TASK), champion=shop.champion(TASK), evaluation=[], until=NOW.until)
    assert {one.interaction for one in waiting} <= {request.id for request, _ in inputs.pairs}
    said = [feedback for _, feedback in every if feedback.value == "warranty"]
    assert {one.kind for one in said} == {FeedbackKind.LABEL}
    assert sorted({one.source for one in said}) == ["ana", "picked, by ana"]


def test_labels_that_are_known(shop: Workshop) -> None:
    """Those of whoever answers."""
    assert known_labels(shop.store, TASK) == frozenset(shop.champion(TASK).labels)
    assert known_labels(shop.store, "nothing") == frozenset()
