"""The book of a second look is read as it was written, and is rid of requests that are erased."""

from __future__ import annotations

from small_project import TASK

from homeostat.loop.proving import again
from homeostat.loop.proving.later import Book, deciding, keep, kept, key, unsure
from homeostat.loop.workshop import Workshop
from homeostat.store.needles import Needles
from homeostat.store.scrub import Scrub
from loop.bystander import NOW
from loop.onlive import answer, on_trial, say


def written(shop: Workshop) -> tuple[str, Book]:
    """A candidate with a book of forty pairs."""
    release = on_trial(shop)
    say(shop, answer(shop, release, 40, win=0.3, lose=0.1))
    again.look(shop, NOW, release, at=NOW.until)
    book = kept(shop.store, release.candidate)
    assert book is not None
    return release.candidate, book


def test_a_book_is_read_as_it_was_written(shop: Workshop) -> None:
    """Claims, pairs, shares and the sentence; and the page's number of labels stands beside them."""
    name, book = written(shop)
    keep(shop.store, "ver_other", book, [])
    assert kept(shop.store, "ver_other") == book
    assert len(book.pairs) == 40
    assert shop.store.state.get(key(name))["labels"] == 40
    assert kept(shop.store, "ver_nobody") is None


def test_requests_that_decide_are_those_that_differ_and_wait(shop: Workshop) -> None:
    """What is labeled decides no more."""
    name, book = written(shop)
    release = shop.store.releases.current(TASK)
    assert release is not None
    assert unsure(shop.store, release) is not None
    assert deciding(shop.store, TASK) == []
    right = answer(shop, release, 50, win=0.4, lose=0.0, seed=7)
    waiting = deciding(shop.store, TASK)
    assert 0 < len(waiting) < 50
    assert set(waiting) < set(right)
    assert deciding(shop.store, "nothing") == []
    assert release.candidate == name
    assert book.first == shop.store.verdicts.list(TASK)[0].id


def test_an_erased_request_leaves_the_book(shop: Workshop) -> None:
    """Whole, and the rest can be read."""
    name, book = written(shop)
    gone = book.pairs[3].row.id
    shop.store.state.put(key(name), Scrub({gone}, Needles.of([])).value(shop.store.state.get(key(name))))
    left = kept(shop.store, name)
    assert left is not None
    assert [pair.row.id for pair in left.pairs] == [pair.row.id for pair in book.pairs if pair.row.id != gone]


def test_users_who_were_heard_come_last_and_are_not_named(shop: Workshop) -> None:
    """Of whom nothing was said comes first among what is asked; the book knows a user again and does not say who."""
    release = on_trial(shop)
    right = answer(shop, release, 60, win=0.9, lose=0.0, users=2)
    asked = shop.store.interactions
    first = next(id for id in right if asked.get(id).tags.get("user") == "ann 1")
    say(shop, {first: right[first]})
    again.look(shop, NOW, release, at=NOW.until)
    book = kept(shop.store, release.candidate)
    assert book is not None
    assert book.pairs[0].row.cluster
    assert "ann" not in book.pairs[0].row.cluster
    waiting = deciding(shop.store, TASK)
    heard = [asked.get(id).tags.get("user") == "ann 1" for id in waiting]
    assert heard == sorted(heard)
    assert 0 < sum(heard) < len(heard)
