"""What moved is named once 300 requests have followed the change: the slice, the topics, when, and which kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache

import numpy as np

from homeostat.monitor.naming.name import LEAST, LOOKS, SPENT, Moved, Naming, change, due, early, look, name, state_key
from homeostat.types.interaction import Interaction
from monitor.desk import desk, manual, said

ONSET = 900


def moved(n: int = 300, seeded: Callable[[int], Interaction | None] = lambda k: None, *, alarm: int = 20) -> Moved:
    """900 requests of the desk in a random order and `n` since the change, some of them as `seeded` has them."""
    order = np.random.default_rng(0).permutation(len(desk()))
    rows = [replace(desk()[place], id=f"int_{k:05}", time=float(k), confidence=0.9) for k, place in enumerate(order)]
    since = [replace(seeded(k) or row, id=row.id, time=row.time) for k, row in enumerate(rows[ONSET : ONSET + n])]
    return Moved(before=rows[:ONSET], since=since, alarm=float(ONSET + alarm))


def docs(k: int) -> Interaction | None:
    """Every fourth request is a sentence of Python's own documentation, and the model is less sure of it."""
    return said(k, manual()[k], confidence=0.4) if k % 4 == 0 else None


@cache
def documented() -> Naming:
    """What is named of 300 requests since, a quarter of them of another domain."""
    return name(moved(300, docs))


def test_before_300_requests_it_is_too_early() -> None:
    """Whatever the evidence: it says how many have come and how many it takes, and names nothing."""
    found = name(moved(LOOKS[0] - 1, docs))
    assert found == early(299)
    assert found.says == "Too early to say what moved: 299 of the 300 requests that it takes have come."
    assert (found.slices, found.topics, found.looked) == ((), (), 0)


def test_a_new_topic_is_named_with_its_words_and_examples() -> None:
    """Sentences of another domain: a topic first, certain, found to the row, told as other requests, with examples."""
    some = moved(300, docs)
    found = documented()
    assert found.slices[0].kind == "topic"
    assert found.slices[0].sure
    assert found.slices[0].carries > 0.4
    assert found.slices[0].name in found.says
    (first, *_) = found.topics
    texts = {row.id: row.text for row in some.since}
    assert all(texts[id] in manual() for id in first.examples)
    assert first.after > 3 * first.before
    assert abs(found.since - ONSET) <= 10
    assert found.since_low <= ONSET <= found.since_high
    assert "covariate shift" in found.kind


def test_a_tag_is_named() -> None:
    """A new model of the provider's that is less sure, on a third of the requests."""

    def answered(k: int) -> Interaction | None:
        row = desk()[k]
        return said(k, row.text, reply=row.reply, confidence=0.5, tags={"upstream": "m2"}) if k % 3 == 0 else None

    found = name(moved(300, answered))
    assert (found.slices[0].name, found.slices[0].before, found.slices[0].sure) == ("upstream=m2", 0.0, True)
    assert found.says.startswith("upstream=m2 carries 100% of the move (0.0% of the requests before it, 33.3% since).")
    assert found.topics == ()


def test_after_a_false_alarm_nothing_is_certain() -> None:
    """The same traffic as before: no slice stands, no topic is new, and the sentence does not claim it."""
    found = name(moved())
    assert not any(one.sure for one in found.slices)
    assert found.topics == ()
    assert "not yet certain" in found.says or found.says == "No slice carries the move."
    assert found.kind.startswith("Neither")


def test_without_a_row_after_the_alarm_nothing_is_certain() -> None:
    """The rows that raised an alarm are ranked and prove nothing."""
    found = name(moved(300, docs, alarm=300))
    assert found.slices
    assert not any(one.sure for one in found.slices)
    assert found.kind == ""


def test_few_rows_before_the_change_are_too_few() -> None:
    """There is nothing to compare with."""
    some = moved()
    found = name(replace(some, before=some.before[: LEAST - 1]))
    assert found.says == "Only 99 requests came before the change: too few."
    assert found.looked == 1


def test_looks_are_few_and_share_what_may_be_spent() -> None:
    """Due one after the other; all of them together spend no more than there is."""
    assert [due(n) for n in (0, 299, 300, 600, 5_000)] == [0, 0, 1, 2, 4]
    assert sum(SPENT) == 1.0
    assert len(SPENT) == len(LOOKS)


def test_it_can_be_kept() -> None:
    """A noun of plain values, under a key of its signal."""
    found = documented()
    assert json.loads(json.dumps(asdict(found)))["slices"][0]["kind"] == "topic"
    assert state_key("sig_a") == "naming:sig_a"
    assert Naming(n=0).needs == LOOKS[0]


def test_a_change_is_put_into_the_rows_that_there_are() -> None:
    """Of sure and unsure rows without embeddings too; times of rows, in order."""
    some = moved(300, docs)
    seen = look(some)
    at, low, high = change(some, seen.known)
    assert low <= at <= high
    assert {at, low, high} <= {row.time for row in (*some.before, *some.since)}
