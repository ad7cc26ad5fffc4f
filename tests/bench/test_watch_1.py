"""Run lengths are counted as they should be, and the traffic of the bar is what its words say."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import watch_1 as bar

from homeostat.monitor.copies import Copies
from homeostat.types.interaction import Interaction


class Few:
    """A pool of two topics with what the generators read."""

    topic = np.arange(4000) % 2

    def __len__(self):
        return 4000


def test_a_run_is_rows_by_alarms_in_units_of_c():
    """Ten streams of 1,000 rows with one alarm each, c of 500: twice c; Poisson's interval is the wider one."""
    runs = bar.Runs()
    for _ in range(10):
        runs.add(1000, 1)
    line = runs.line(500.0)

    assert line["run"] == 2.0
    assert line["interval"] == [1.088, 4.171]


def test_no_alarm_has_a_lower_bound_and_no_upper():
    """10,000 rows without one: three thousand or so is what one may be sure of."""
    runs = bar.Runs()
    runs.add(10_000, 0)

    assert runs.line(1000.0)["interval"] == [2.711, None]


def test_alarms_that_come_together_widen_the_interval():
    """Thirty, all in one stream of ten: by Poisson the run is at least 2.3 c; streams do not tell as much."""
    runs = bar.Runs()
    for alarms in (30, *[0] * 9):
        runs.add(1000, alarms)

    assert runs.line(100.0)["interval"][0] < 1.5


def test_seasons_turn_with_the_hour():
    """Each topic's share of the night differs from its share of the day, and weekends are quieter."""
    rows, times = bar.season(Few(), 2, np.random.default_rng(0))
    hour, topic = times // 3600 % 168, Few.topic[rows]
    shares = [topic[hour % 24 == h].mean() for h in range(24)]

    assert max(shares) - min(shares) > 0.3
    assert (hour >= 120).mean() < 48 / 168 * 0.7
    assert (np.diff(times) >= 0).all()


def test_bursts_and_copies_hold_copies_that_are_passed_over():
    """Copies of what came just before are in both: a little of the one, more than half of the other."""
    rows = [Interaction(id=str(k), task="t", time=0.0, text=str(k), reply="", version="v") for k in range(4000)]
    left = []
    for made in (bar.bursts, bar.copies, bar.runs):
        drawn, times = made(Few(), 2, np.random.default_rng(1))
        assert len(drawn) == len(times)
        left.append(len(Copies().fresh([rows[k] for k in drawn])) / len(drawn))

    assert 0.6 < left[0] < left[2] - 0.03
    assert left[1] < 0.5


def test_runs_are_about_one_topic():
    """Some stretch of 50 rows is nine tenths about one topic, which is half of all."""
    rows, _ = bar.runs(Few(), 1, np.random.default_rng(2))
    about = np.convolve(Few.topic[rows], np.ones(50) / 50, "valid")

    assert max(about.max(), 1 - about.min()) > 0.8
