"""What bar watch.2 makes of courses is right, its streams hold what they say, its detectors are the product's."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from homeostat.config.schema import Monitor
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.reference import Reference
from homeostat.monitor.traffic import Traffic

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import contenders
import shifts
import watch_2 as bar


@pytest.fixture(scope="module")
def desk():
    """Requests with beta confidences: novel ones are less sure, and lie elsewhere."""
    rng, known, novel = np.random.default_rng(0), 5_000, 800
    scores = np.column_stack(
        [
            np.concatenate([rng.beta(1, 6, known), rng.beta(3, 3, novel)]),
            np.concatenate([rng.beta(3, 5, known), rng.beta(4, 4, novel)]),
        ]
    )
    label = np.array([f"l{k}" for k in rng.integers(0, 30, known + novel)])
    points = rng.normal(size=(known + novel, 8)).astype(np.float32)
    points[known:] += 1.0
    return shifts.Desk(
        name="hwu64",
        index=NeighborIndex(points[:100].astype(np.float16), 5),
        scores=scores,
        points=points,
        reply=np.where(rng.random(known + novel) < scores[:, 0], "other", label),
        label=label,
        known=np.arange(known),
        novel=np.arange(known, known + novel),
    )


def drawn(desk, kind, seed=1):
    """A stream of this kind."""
    return shifts.draw(desk, kind, np.random.default_rng(seed))


def novel(desk, stream, first, until):
    """The share of novel rows among some after the change."""
    return float((stream.rows[shifts.ONSET + first : shifts.ONSET + until] >= len(desk.known)).mean())


def test_streams_hold_the_change_that_they_are_named_after(desk):
    """Shares of novel requests before and after the change, by kind; none before it."""
    made = {kind: drawn(desk, kind) for kind in (*shifts.KINDS, "calm", "tenth")}

    assert all(novel(desk, one, -shifts.ONSET, 0) == 0 for one in made.values())
    assert novel(desk, made["sudden"], 0, 3_000) == pytest.approx(0.25, abs=0.03)
    assert novel(desk, made["tenth"], 0, 3_000) == pytest.approx(0.1, abs=0.02)
    assert novel(desk, made["gradual"], 0, 1_000) == pytest.approx(0.075, abs=0.03)
    assert novel(desk, made["gradual"], 2_000, 3_000) == pytest.approx(0.3, abs=0.04)
    assert novel(desk, made["recurring"], 250, 750) == 0
    assert novel(desk, made["recurring"], 750, 1_000) == pytest.approx(0.25, abs=0.08)
    assert novel(desk, made["calm"], 0, 3_000) == novel(desk, made["concept"], 0, 3_000) == 0


def test_a_subgroup_is_one_segment(desk):
    """All of it turns, and nothing else: a twentieth of the traffic."""
    stream = drawn(desk, "subgroup")
    turned = stream.rows >= len(desk.known)
    segments = {stream.places[k][0] for k in np.flatnonzero(turned)}
    inside = [k for k, places in enumerate(stream.places) if places[0] in segments and k >= shifts.ONSET]

    assert len(segments) == 1
    assert turned[inside].all()
    assert novel(desk, stream, 0, 3_000) == pytest.approx(0.05, abs=0.015)


def test_concept_changes_what_is_right_and_nothing_else(desk):
    """Errors rise by about the share of the labels that moved; two fifths of the rows are labeled."""
    calm, moved = drawn(desk, "calm", 3).wrong, drawn(desk, "concept", 3)
    rise = moved.wrong[shifts.ONSET :].mean() - moved.wrong[: shifts.ONSET].mean()

    assert rise == pytest.approx(0.15 * (1 - calm.mean()), abs=0.05)
    assert len(moved.labeled) / len(moved.rows) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("every", [2_000, 20_000])
def test_ours_alarms_where_the_product_does(desk, every):
    """Its course passes the logarithm of `false_alarm_every` at the row at which `Traffic`, set so, first alarms."""
    for kind in ("sudden", "subgroup"):
        stream = drawn(desk, kind)
        scores, times = desk.scores[stream.rows], contenders.STEP_S * np.arange(len(stream.rows))
        traffic = Traffic(Reference(desk.index, shifts.BINS), Monitor(false_alarm_every=every, seed=3))
        pieces = traffic.take(scores, times, stream.places)
        first = next(piece.first + piece.raised[0].row for piece in pieces if piece.raised)
        course = contenders.ours(desk, stream, 3)

        assert np.flatnonzero(course >= math.log(every))[0] == first


def test_labels_come_late(desk):
    """A course over labeled rows speaks LATE rows after each, and of none that is known."""
    stream = drawn(desk, "concept")
    course = contenders.over_labels(contenders.ddm, stream, stream.wrong) if bar.find_spec("river") else None
    spread = contenders.late(stream, np.arange(len(stream.labeled), dtype=float), 10)

    assert np.flatnonzero(np.isfinite(spread))[0] == stream.labeled[10] + shifts.LATE
    assert course is None or np.isneginf(course[: shifts.REFERENCE]).all()


def test_mmd_and_ks_speak_of_a_change_in_what_they_see(desk):
    """Higher after the change than ever before it, where half of the rows move."""
    rng = np.random.default_rng(5)
    rows = np.concatenate([rng.choice(desk.known, 3_000), rng.choice(desk.novel, 500)])
    for course in (contenders.mmd(desk.points[rows], 2_000), contenders.ks(50)(desk.scores[rows, 0], 2_000)):
        assert course[3_000:].max() > 1.5 * course[2_000:3_000].max()
        assert np.isneginf(course[:2_000]).all()


def test_the_distance_is_that_of_scipy():
    """For every batch, with ties."""
    values = np.random.default_rng(6).integers(0, 40, 700).astype(float)
    course = contenders.ks(50)(values, 400)
    expected = [stats.ks_2samp(values[:400], values[at : at + 50]).statistic for at in range(400, 700, 50)]

    assert course[449::50] == pytest.approx(expected)


def test_a_threshold_is_passed_by_the_share_of_calm_streams_that_it_may_be():
    """Of forty it is passed by two, of nineteen by none."""
    highest = np.random.default_rng(0).normal(size=40)

    assert (highest > bar.threshold(highest, 0.05)).sum() == 2
    assert (highest[:19] > bar.threshold(highest[:19], 0.05)).sum() == 0


def test_rows_are_counted_from_the_change():
    """The first changed row is one; an alarm before it is not positive, none is infinite."""
    course = np.full(shifts.ONSET + 10, -np.inf)
    assert bar.passage(course, 0.0) == math.inf
    course[shifts.ONSET + 4] = 1.0
    assert bar.passage(course, 0.0) == 5
    course[shifts.ONSET - 1] = 1.0
    assert bar.passage(course, 0.0) == 0


def test_a_median_counts_misses_as_longest_and_early_ones_not():
    """Of 10 … 200 it is 105 with the fifth from each end; with more than half missed it is infinite."""
    delays = [10.0 * k for k in range(1, 21)]

    assert bar.median([*delays, -5.0, 0.0]) == (105.0, 60.0, 150.0, 20)
    assert bar.median([10.0, math.inf, math.inf])[0] == math.inf
    assert bar.median([])[3] == 0


def test_places_are_among_all_and_among_families():
    """Two of river that are sooner make ours third of all and second of families; `shipped` does not count."""
    rows = {"ours": 30, "river A": 10, "river B": 20, "KS of 50": None, "MMD of 200": 40, bar.SHIPPED: 5}
    kinds = {"sudden": {name: {"delay": delay} for name, delay in rows.items()}}

    assert bar.places(kinds) == {"sudden": (3, 2)}


def test_how_many_times_sooner_is_at_least_what_was_seen():
    """KS never: as if at the last row."""
    found = {("tenth", "ours", "a"): [100.0] * 30, ("tenth", bar.BATCHES, "a"): [math.inf] * 30}

    assert bar.times(found, 0) == (120.0, 120.0, 120.0)


def test_a_checkout_without_streams_measures_the_built_in_desk(tmp_path):
    """What is not there is left out by name, and a full run without it meets nothing; what is there is measured."""
    names, gone = bar.desks(tmp_path / "streams", quick=True)
    assert names == ("builtin",)
    assert gone == ["hwu64_scenarios is not in streams"]
    names, gone = bar.desks(tmp_path / "streams", quick=False)
    assert names == ("builtin",)
    assert len(gone) == 3
    (tmp_path / "hwu64_scenarios.jsonl.gz").touch()
    assert bar.desks(tmp_path, quick=True) == (("hwu64",), [])
    names, gone = bar.desks(tmp_path, quick=False)
    assert names == ("hwu64", "builtin")
    assert [one.split()[0] for one in gone] == ["clinc150_domains", "arxiv_years"]


def test_the_line_names_what_it_lacks():
    """Packages and streams beside each other: a full run lacks them, a quick one only says so."""
    found = {}
    for kind in bar.KINDS:
        for name, delay in ((bar.OURS, 20.0), (bar.BATCHES, 400.0), ("MMD of 200", 300.0)):
            found[kind, name, "builtin"] = [delay] * 6
    found |= {(bar.TENTH, name, "builtin"): [delay] * 6 for name, delay in ((bar.OURS, 20.0), (bar.BATCHES, 400.0))}
    gone = ["hwu64_scenarios is not in streams"]
    quick = bar.summary(found, 0, 1.0, gone, quick=True)
    assert quick["lacking"] == [*gone, "Evidently is not installed", "river is not installed"]
    assert (quick["value"], quick["met"]) == (5, True)
    assert bar.summary(found, 0, 1.0, gone, quick=False)["met"] is False
    assert bar.summary(found, 0, 1.0, quick=False)["met"] is False
    for kind in bar.KINDS:
        found |= {(kind, name, "builtin"): [500.0] * 6 for name in ("river ADWIN", "Evidently columns")}
    assert bar.summary(found, 0, 1.0, quick=False)["met"] is True
    assert bar.summary(found, 0, 1.0, gone, quick=False)["met"] is False
