"""A queue of requests to label: what chance drew measures, what was picked for its doubt only teaches."""

from __future__ import annotations

from small_project import TASK

from homeostat.curate.snapshot import gather
from homeostat.loop.listening.labeling import asked_of, hold, known_labels, label, queue, takeable
from homeostat.loop.steps import gather as evidence
from homeostat.loop.workshop import Workshop
from homeostat.types.feedback import FeedbackKind
from loop.bystander import NOW


def test_what_waits_waits_until_it_is_labeled(shop: Workshop) -> None:
    """The same requests are asked again, in the same order, and new ones come after them."""
    first = queue(shop.store, TASK, 10)
    assert len(first) == 10
    hold(shop.store, TASK, first)
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
    hold(shop.store, TASK, waiting)
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


def test_a_look_changes_nothing(shop: Workshop) -> None:
    """However many are looked at, nothing is held: a smaller look shows the same, and the store is as it was."""
    small = queue(shop.store, TASK, 10)
    before = {key: shop.store.state.get(key) for key in shop.store.state.keys("")}
    large = queue(shop.store, TASK, 40)
    assert len(large) == 40
    assert asked_of(shop.store, TASK) == {}
    assert queue(shop.store, TASK, 10) == small
    assert {key: shop.store.state.get(key) for key in shop.store.state.keys("")} == before
    hold(shop.store, TASK, small)
    assert asked_of(shop.store, TASK) == {one.interaction: one.drawn for one in small}
    assert queue(shop.store, TASK, 40)[:10] == small


def test_what_was_not_held_is_taken_and_not_measured_by(shop: Workshop) -> None:
    """Of a request that was only looked at nobody knows that lot drew it, even where it would have."""
    looked = queue(shop.store, TASK, 20)
    lot = [one.interaction for one in looked if one.drawn]
    assert lot
    assert set(lot) <= takeable(shop.store, TASK)
    measured = len(shop.store.interactions.labeled(TASK, measuring=True))
    label(shop.config, shop.store, TASK, dict.fromkeys(lot, "refund"), by="ana", now=NOW.until)
    assert len(shop.store.interactions.labeled(TASK, measuring=True)) == measured
    said = [f for request, f in shop.store.interactions.labeled(TASK) if request.id in lot]
    assert {one.source for one in said} == {"picked, by ana"}
    assert not takeable(shop.store, TASK) & set(lot)


def test_who_labels_by_himself_frees_what_was_held(shop: Workshop) -> None:
    """A held request that somebody else has labeled meanwhile is neither asked again nor taken."""
    first = queue(shop.store, TASK, 10)
    hold(shop.store, TASK, first)
    label(shop.config, shop.store, TASK, {first[0].interaction: "refund"}, by="bo", now=NOW.until)
    hold(shop.store, TASK, queue(shop.store, TASK, 12))
    assert first[0].interaction not in asked_of(shop.store, TASK)
    assert len(asked_of(shop.store, TASK)) == 12
    assert first[0].interaction not in takeable(shop.store, TASK)


def test_labels_that_are_known(shop: Workshop) -> None:
    """Those of whoever answers."""
    assert known_labels(shop.store, TASK) == frozenset(shop.champion(TASK).labels)
    assert known_labels(shop.store, "nothing") == frozenset()
