"""The trace keeps the whole course in a fixed number of points, peaks included."""

import json

import numpy as np
import pytest

from homeostat.monitor.trace import POINTS, Trace


def fill(trace, rows, size=97):
    """Rows of two channels, in calls of one size."""
    values = np.column_stack([np.sin(np.arange(rows)), np.zeros(rows)])
    for i in range(0, rows, size):
        trace.extend(np.arange(i, min(i + size, rows), dtype=float), values[i : i + size])
    return values


def test_a_short_course_is_kept_row_by_row():
    """Below the limit each row is a point."""
    trace = Trace()
    values = fill(trace, 50)

    assert [p.time for p in trace.points] == list(range(50))
    assert [p.values[0] for p in trace.points] == values[:, 0].tolist()


@pytest.mark.parametrize("rows", [POINTS, 10_000, 123_457])
def test_a_long_course_has_a_fixed_number_of_points_over_its_whole_length(rows):
    """Between a half and all of the points, in order, from the start to the last row."""
    trace = Trace()
    fill(trace, rows)
    times = [p.time for p in trace.points]

    assert POINTS // 2 <= len(times) <= POINTS
    assert times == sorted(times)
    assert times[0] < rows / 100
    assert times[-1] == rows - 1


def test_no_peak_is_thinned_away():
    """One high value among a hundred thousand is still there."""
    trace, values = Trace(), np.zeros((100_000, 1))
    values[31_415] = 7.5
    trace.extend(np.arange(100_000.0), values)

    peak = max(trace.points, key=lambda p: p.values[0])

    assert peak.values == (7.5,)
    assert abs(peak.time - 31_415) < 100_000 / (POINTS / 2)


@pytest.mark.parametrize("cut", [10, 700, 5001])
def test_state_goes_through_json_and_goes_on(cut):
    """Interrupted anywhere, the points are those of the undisturbed trace."""
    values = np.random.default_rng(0).normal(size=(9000, 2))
    times = np.arange(9000.0)
    undisturbed, first, second = Trace(), Trace(), Trace()
    undisturbed.extend(times, values)
    first.extend(times[:cut], values[:cut])
    second.load(json.loads(json.dumps(first.state())))
    second.extend(times[cut:], values[cut:])

    assert second.points == undisturbed.points
