"""Hours are told apart once they have been seen to repeat, and ranks within an hour are even then."""

import json
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from homeostat.monitor.reference import Histogram
from homeostat.monitor.seasons import (
    ALL,
    BY_DAY,
    BY_WEEK,
    HOURS,
    HourlyCounts,
    Season,
    days,
    hours_of,
    packed,
    unpacked,
)

EDGES = np.linspace(-4, 4, 127)
DAY_S = 86_400.0


def week(rng, weeks, strength, *, weekend=0.0):
    """Times and scores, 4,000 a week: stranger around midnight by `strength`, and on two days by `weekend`."""
    times = np.sort(rng.uniform(0, weeks * 7 * DAY_S, 4000 * weeks))
    hour = hours_of(times)
    shift = strength * np.cos(hour * np.pi / 12) + weekend * (hour >= 120)
    return times, rng.normal(size=len(times)) + shift


def led(season, times, scores, rng):
    """Lead scores through a season as the reference does; the parts of the week at the beginning of each day."""
    pooled, seen = Histogram(EDGES), []
    for day in days(times):
        season.begin(float(times[day.start]))
        seen.append(season.cells)
        p = pooled.rank(scores[day], 1 - rng.random(day.stop - day.start))
        season.learn(p[:, None], hours_of(times[day]))
    return seen


def test_hours_of_the_week_begin_with_a_thursday():
    """1970 began on one, and every week after it has 168 hours."""
    assert hours_of(np.array([0.0, 3599.0, 3600.0, 7 * DAY_S + 5.0])).tolist() == [0, 0, 1, 0]


def test_days_cut_rows_where_the_date_changes():
    """Rows of three days, of which one is empty in between."""
    assert list(days(np.array([1.0, 2.0, DAY_S, 3 * DAY_S]))) == [slice(0, 2), slice(2, 3), slice(3, 4)]
    assert list(days(np.empty(0))) == []


def test_nights_are_told_apart_after_some_days():
    """Scores that are stranger at night every day: within ten days hours of the day are told apart."""
    rng = np.random.default_rng(0)
    seen = led(Season(1), *week(rng, 2, 0.6), rng)

    assert seen[:2] == [ALL, ALL]
    assert seen[10] == BY_DAY


def test_weekends_are_told_apart_after_some_weeks():
    """No hour of the day differs, two days of the week do: hours of the week."""
    rng = np.random.default_rng(0)
    seen = led(Season(1), *week(rng, 6, 0.0, weekend=1.0), rng)

    assert seen[6] == ALL
    assert seen[-1] == BY_WEEK


def test_nothing_is_told_apart_where_nothing_repeats():
    """Ten streams of two weeks without a season, and as many that change for good one evening."""
    rng = np.random.default_rng(1)
    for change in (0.0, 0.8):
        for _ in range(10):
            times, scores = week(rng, 2, 0.0)
            scores[times > 4.75 * DAY_S] += change
            assert set(led(Season(1), times, scores, rng)) == {ALL}


def test_ranks_within_hours_are_even_where_ranks_among_all_are_not():
    """Over nights and days of very different scores: the p-values of each half of the day are even."""
    rng = np.random.default_rng(2)
    times, scores = week(rng, 3, 1.5)
    hours, u = hours_of(times), 1 - rng.random(len(times))
    night = np.cos(hours * np.pi / 12) > 0

    within = HourlyCounts(EDGES).rank(scores, u, hours, BY_DAY)
    among = Histogram(EDGES).rank(scores, u)

    assert stats.kstest(within[night], "uniform").pvalue > 0.01
    assert stats.kstest(within[~night], "uniform").pvalue > 0.01
    assert among[night].mean() < 0.4


def test_one_part_is_the_pooled_rank():
    """Where no hours are told apart, the p-values are those of the reference of all, cut into odd calls too."""
    rng = np.random.default_rng(3)
    times, scores = week(rng, 1, 0.5)
    hours, u, hourly = hours_of(times), 1 - rng.random(len(times)), HourlyCounts(EDGES)
    cuts = [0, 1, 700, 701, len(times)]
    found = [hourly.rank(scores[a:b], u[a:b], hours[a:b], ALL) for a, b in pairwise(cuts)]

    assert np.concatenate(found) == pytest.approx(Histogram(EDGES).rank(scores, u))
    assert hourly.counts.sum() == len(times)


def test_a_missing_score_has_no_rank():
    """NaN in, NaN out, and it is not counted."""
    hourly = HourlyCounts(EDGES)

    assert np.isnan(hourly.rank(np.array([np.nan, 0.0]), np.ones(2), np.zeros(2, int), BY_DAY)).tolist() == [
        True,
        False,
    ]
    assert hourly.counts.sum() == 1


def test_a_season_goes_through_its_state():
    """Put down in the middle of a day, it goes on alike."""
    rng, other = np.random.default_rng(4), np.random.default_rng(5)
    times, scores = week(rng, 2, 0.6)
    season = Season(1)
    led(season, times[:5001], scores[:5001], other)
    copy = Season(1)
    copy.load(json.loads(json.dumps(season.state())))
    lots = [np.random.default_rng(6) for _ in range(2)]

    seen = [led(one, times[5001:], scores[5001:], lot) for one, lot in zip((season, copy), lots, strict=True)]

    assert seen[0] == seen[1]
    assert season.state() == copy.state()


def test_counts_are_packed_and_unpacked():
    """Mostly zeros become a short text and come back."""
    counts = np.zeros((HOURS, 128), dtype=np.int64)
    counts[5, 7] = 123_456

    assert len(packed(counts)) < 300
    assert (unpacked(packed(counts), counts.shape) == counts).all()
