"""The three detectors of requests together: one allowance of false alarms, one course, seasons and restarts."""

import json

import numpy as np
import pytest

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.reference import Reference
from homeostat.monitor.seasons import ALL
from homeostat.monitor.traffic import ALLOWED, FIXED, QUICK, SLICED, Traffic

DAY_S = 86_400.0


def traffic(every=500_000, seed=0):
    """Two channels, and nothing known."""
    return Traffic(Reference(NeighborIndex(np.eye(3), 1), 512), Monitor(false_alarm_every=every, seed=seed))


def scores(rng, rows, shift=0.0):
    """Confidence and distance, both stranger by `shift` deviations."""
    x = rng.normal(size=(rows, 2)) + np.asarray(shift).reshape(-1, 1)
    return np.column_stack([1 / (1 + np.exp(1.5 - x[:, 0])), 0.4 * np.exp(0.3 * x[:, 1])])


def raised(of, x, times, places=None):
    """(row, detector, slice, since) of each alarm."""
    found = []
    for piece in of.take(x, times, places or [()] * len(x)):
        found += [(piece.first + r.row, r.detector, r.alarm.slice, r.alarm.since_time) for r in piece.raised]
    return found


def test_the_allowance_is_dealt_whole():
    """The shares add up to one, and each detector has its own."""
    watched = traffic(1000)

    assert sum(ALLOWED.values()) == pytest.approx(1.0)
    assert watched.quick.threshold == pytest.approx(1000 / ALLOWED[QUICK])
    assert watched.fixed.evidence.threshold > 1000 / ALLOWED[FIXED]
    assert watched.sliced.threshold == pytest.approx(1000 / ALLOWED[SLICED])


def test_together_they_alarm_as_rarely_as_one_may():
    """Nothing moves, c = 500, four streams of 5,000 rows with slices: at most the 40 alarms that c allows."""
    rng, found = np.random.default_rng(0), 0
    for seed in range(4):
        places = [(f"segment={k}",) for k in rng.integers(0, 4, 5300).tolist()]
        found += len({row for row, *_ in raised(traffic(500, seed), scores(rng, 5300), np.arange(5300.0), places)})

    assert 7 <= found <= 40


def test_a_sudden_change_is_the_quick_ones_and_the_others_begin_anew():
    """All rows change: the quick detector says so, and what the others had is forgotten with it."""
    rng, watched = np.random.default_rng(1), traffic()
    shift = np.where(np.arange(6000) < 5000, 0.0, 0.8)
    places = [(f"segment={k % 2}",) for k in range(6000)]

    found = raised(watched, scores(rng, 6000, shift), np.arange(6000.0), places)

    assert found[0][1] == QUICK
    assert 5000 < found[0][0] < 5200
    assert watched.fixed.learned < 1000


def test_nights_alarm_no_more_once_hours_are_told_apart():
    """Stranger every night, c = 2,000: alarms at first; of those of ten weeks most are of the first two."""
    rng, watched = np.random.default_rng(2), traffic(2000)
    times = np.sort(rng.uniform(0, 70 * DAY_S, 20_000))
    x = scores(rng, 20_000, 0.9 * np.cos(times / DAY_S * 2 * np.pi))

    days = np.array([times[row] / DAY_S for row, *_ in raised(watched, x, times)])

    assert watched.reference.cells > ALL
    assert (days < 14).sum() >= 3
    assert (days >= 14).sum() <= 8


@pytest.mark.parametrize("size", [7, 97])
def test_cuts_and_restarts_do_not_matter(size):
    """By sevens or by ninety-sevens, with the state through JSON in between, over a change and many days: the same."""
    rng, rows = np.random.default_rng(3), 600
    times = np.sort(rng.uniform(0, 9 * DAY_S, rows))
    x = scores(rng, rows, np.where(np.arange(rows) < 450, 0.0, 1.0))
    places = [(f"segment={k % 3}",) for k in range(rows)]
    expected, found, watched = raised(traffic(2000), x, times, places), [], traffic(2000)
    for at in range(0, rows, size):
        if at // size % 4 == 0:
            copy = traffic(2000)
            copy.load(json.loads(json.dumps(watched.state())))
            watched = copy
        some = slice(at, at + size)
        found += [(at + row, *rest) for row, *rest in raised(watched, x[some], times[some], places[some])]

    assert found == expected
    assert len(found) >= 2
