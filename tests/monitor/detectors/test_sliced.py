"""Slices are told of by e-d-BH, as rarely falsely as promised, and sooner than all traffic would show."""

import json

import numpy as np

from homeostat.monitor.detectors.shiryaev_roberts import BETS, EPS, KAP, ShiryaevRoberts, log_bets
from homeostat.monitor.detectors.sliced import VALUES, Sliced
from homeostat.monitor.reference import Histogram

EDGES = np.linspace(-4, 4, 127)


def dealt(rng, rows, segments=8):
    """For each row a segment and a language."""
    dice = rng.integers(0, segments, rows), rng.integers(0, 3, rows)
    return [(f"segment={a}", f"language={b}") for a, b in zip(*(d.tolist() for d in dice), strict=True)]


def told(detector, scores, u, places, *, size=500):
    """Rows after which slices are told of, with their names."""
    found = []
    for at in range(0, len(scores), size):
        some, done = slice(at, at + size), 0
        p, n = detector.rank(scores[some, None], u[some], places[some]), len(scores[some])
        while done < n:
            done, alarms = detector.scan(p, np.arange(at, at + n) * 1.0, done, n)
            found += [(at + done, alarm) for alarm in alarms]
    return found


def by_the_book(scores, u, places, c):
    """The definition written out: M per slice row by row, and e-d-BH after each row."""
    known, m, found = {}, {}, []
    for row, (score, names) in enumerate(zip(scores, places, strict=True)):
        for name in names:
            p = known.setdefault(name, Histogram(EDGES)).rank(np.array([score]), u[row])[0]
            f = np.array([1 + e * (p - 0.5) for e in EPS] + [k * p ** (k - 1) for k in KAP])
            m[name] = (m.get(name, np.zeros(BETS)) + 1) * f
        ways, falling = len({name.split("=")[0] for name in m}), sorted(m, key=lambda name: -m[name].mean())
        k = max((k for k, name in enumerate(falling, 1) if m[name].mean() >= ways * c / k), default=0)
        for name in falling[:k]:
            found.append((row + 1, name))
            m[name] = np.zeros(BETS)
    return found


def test_it_is_the_definition():
    """Two slices drift at once, a low threshold: told of at the same rows, in the same order."""
    rng = np.random.default_rng(0)
    places, scores, u = dealt(rng, 3000, 4), rng.normal(size=3000), 1 - rng.random((3000, 1))
    scores[1500:] += [0.7 if "segment=1" in names or "segment=2" in names else 0.0 for names in places[1500:]]

    found = told(Sliced([EDGES], 300), scores, u, places)

    assert [(row, alarm.slice) for row, alarm in found] == by_the_book(scores, u, places, 300)
    assert {"segment=1", "segment=2"} <= {alarm.slice for _, alarm in found}
    assert all(alarm.log_statistic >= np.log(300) for _, alarm in found)


def test_a_change_in_a_twentieth_of_the_traffic_is_found_there_first():
    """One of twenty segments gets stranger by one deviation: median delay below a third of that over all rows, at an
    eighth of the false alarms; and that segment is what is told of.
    """
    delays, names = [], []
    for seed in range(5):
        rng = np.random.default_rng([seed, 3])
        places, scores, u = dealt(rng, 10_000, 20), rng.normal(size=10_000), 1 - rng.random((10_000, 1))
        scores[5000:] += [1.0 * ("segment=7" in where) for where in places[5000:]]
        found = [(row, alarm) for row, alarm in told(Sliced([EDGES], 800_000), scores, u, places) if row > 5000]
        everything, at = ShiryaevRoberts(BETS, 100_000), 0
        logs = log_bets(Histogram(EDGES).rank(scores, u[:, 0])[:, None])
        first = 10_000
        while at < len(logs) and first == 10_000:
            levels, alarm = everything.scan(logs[at:], np.zeros(len(logs)))
            at += len(levels)
            first = at if alarm and at > 5000 else first
        delays.append((found[0][0] - 5000, first - 5000))
        names.append(found[0][1].slice)

    own, overall = np.median(delays, axis=0)

    assert own < overall / 3
    assert names.count("segment=7") == 5


def test_false_alarms_are_as_rare_as_promised():
    """Nothing moves in eleven slices of two kinds, c = 400: of the 50 alarms that c allows, at most 60, and some."""
    rng = np.random.default_rng(1)
    places = dealt(rng, 20_000)
    rows = {row for row, _ in told(Sliced([EDGES], 400), rng.normal(size=20_000), 1 - rng.random((20_000, 1)), places)}
    found = len(rows)

    assert 7 <= found <= 60


def test_names_are_no_slices():
    """A tag that is another one for every row is given up, and the others stay."""
    rng, detector = np.random.default_rng(2), Sliced([EDGES], 1000)
    places = [(f"user={k}", f"segment={k % 3}") for k in range(VALUES + 40)]
    told(detector, rng.normal(size=len(places)), 1 - rng.random((len(places), 1)), places)

    assert detector.names == ("segment=0", "segment=1", "segment=2")


def test_cuts_and_restarts_do_not_matter():
    """By forty-ones through the state, or all at once: the same slices at the same rows."""
    rng = np.random.default_rng(3)
    places, scores, u = dealt(rng, 2100, 4), rng.normal(size=2100), 1 - rng.random((2100, 1))
    scores[900:] += [0.9 * ("segment=1" in names) for names in places[900:]]
    expected = told(Sliced([EDGES], 200), scores, u, places)
    detector, found = Sliced([EDGES], 200), []
    for at in range(0, 2100, 41):
        copy = Sliced([EDGES], 200)
        copy.load(json.loads(json.dumps(detector.state())))
        some, detector = slice(at, at + 41), copy
        found += [(at + row, alarm) for row, alarm in told(detector, scores[some], u[some], places[some])]

    assert [(row, a.slice, a.n, a.since_row) for row, a in found] == [
        (row, a.slice, a.n, a.since_row) for row, a in expected
    ]
    assert found


def test_to_begin_anew_and_to_forget():
    """Evidence goes with both; what is normal goes with the second, and is learned with other edges."""
    rng, detector = np.random.default_rng(4), Sliced([EDGES], 1000)
    told(detector, rng.normal(size=300), 1 - rng.random((300, 1)), dealt(rng, 300))
    detector.begin_anew()
    kept = detector.state()["slices"]["language=0"]
    detector.forget([np.linspace(0, 1, 9)])

    assert set(kept["evidence"]["held"]) == {0.0}
    assert kept["counts"][0]
    assert detector.state()["slices"]["language=0"]["counts"] == [{}]
