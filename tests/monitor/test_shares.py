"""Requests of known topics come in other shares: the one alarm that this is, and what it carries."""

import json
from dataclasses import replace

import numpy as np

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.shares import SHOWN, Shares
from homeostat.monitor.watch import Watcher
from homeostat.types.signal import PROPORTIONS, Moved
from monitor.test_watch import index, traffic

OFTEN = (0, 0, 0, 0, 0, 1, 2, 3)


def shares(**more):
    """A watcher of proportions on groups of an index."""
    return Shares("routing", NeighborIndex(index(rows=300), 5), (), Monitor(**more))


def moving(before=1000, after=300):
    """A topic of a quarter of the requests becomes one of five eighths."""
    return traffic(0, before) + traffic(1, after, start=before, topics=OFTEN)


def test_a_topic_that_comes_more_often_is_mix_with_examples_of_it():
    """One signal, dated at the change, with the newest requests of the topic that grew; no reason to retrain."""
    rows = moving()
    (signal,) = shares().update(rows)
    shown = [row for row in rows if row.id in signal.examples]

    assert (signal.moved, signal.detector, signal.retrains) == (Moved.MIX, PROPORTIONS, False)
    assert abs(signal.since - 2000.0) < 100
    assert 2000.0 < signal.time < 2300.0
    assert signal.statistic >= signal.threshold == Monitor().false_alarm_every
    assert len(shown) == SHOWN
    assert sum(row.tags["topic"] == "0" for row in shown) >= 9
    assert all(row.time <= signal.time for row in shown)


def test_nobody_else_sees_it():
    """The same requests with the same confidence: of a watcher's detectors, proportions alone speak."""
    watcher = Watcher.start("routing", index(rows=300), (), Monitor())

    assert {signal.detector for signal in watcher.update(moving())} == {PROPORTIONS}


def test_the_same_shares_say_nothing():
    """Four thousand requests in the same shares, other requests each time."""
    assert shares().update(traffic(0, 4000)) == []


def test_few_requests_set_no_stakes():
    """It begins after 300 requests, or after as many as are calibrated on."""
    few, many = shares(min_reference=10), shares(min_reference=700)
    for one in (few, many):
        one.update(traffic(0, 400))

    assert np.isfinite(few.detector.level)
    assert np.isneginf(many.detector.level)


def test_a_restart_changes_nothing():
    """State through JSON after the change, before it is told: the same signal, with the same examples."""
    rows, first = moving(), shares()
    cut = 1040
    expected = shares().update(rows)
    assert first.update(rows[:cut]) == []

    second = shares()
    second.load(json.loads(json.dumps(first.state(), allow_nan=False)))

    found = second.update(rows[cut:])
    assert [(s.id, s.n, s.since, s.examples) for s in found] == [(s.id, s.n, s.since, s.examples) for s in expected]
    assert expected


def test_a_watcher_goes_on_with_it():
    """What a watcher puts down holds it; what an older release put down does not, and it begins then."""
    first = Watcher.start("routing", index(rows=300), (), Monitor())
    first.update(moving()[:1040])
    state = json.loads(json.dumps(first.state()))
    older = {name: value for name, value in state.items() if name not in ("shares", "plugged")}

    second, third = (Watcher.restore(one, index(rows=300)) for one in (state, older))

    assert second.shares.detector.level == first.shares.detector.level
    assert np.isneginf(third.shares.detector.level)
    assert [s.detector for s in second.update(moving()[1040:])] == [PROPORTIONS]


def test_the_state_of_other_kinds_is_not_taken():
    """As many groups as it has now, or none of it: counts of other kinds say nothing."""
    first, other = shares(), Shares("routing", NeighborIndex(index(rows=100), 5), (), Monitor())
    first.update(moving()[:1000])
    other.load(first.state())
    other.load(None)

    assert np.isneginf(other.detector.level)


def test_without_kinds_nothing_is_watched():
    """No embeddings and no labels."""
    one = Shares("routing", NeighborIndex(np.empty((0, 0)), 5), (), Monitor())

    assert one.update([replace(row, embedding=b"") for row in moving()]) == []


def test_without_embeddings_the_labels_replied_are_watched():
    """A version without embeddings replies one of its labels more often."""
    rng = np.random.default_rng(2)
    said = np.concatenate([rng.choice(list("abcd"), 1000), rng.choice(list("aaaaabcd"), 300)])
    rows = [replace(row, embedding=b"", reply=str(label)) for row, label in zip(moving(), said, strict=True)]
    watcher = Watcher.start("routing", np.empty((0, 0)), (), Monitor(), labels=set("abcd"))

    (signal,) = watcher.update(rows)

    assert signal.detector == PROPORTIONS
    assert {row.reply for row in rows if row.id in signal.examples} == {"a"}
