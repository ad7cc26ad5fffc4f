"""What grows is told from what does not, and every interaction is counted in a call."""

import numpy as np
import watch_6 as bar


def test_growth_is_late_by_early():
    """Batches that cost twice as much at the end, looks that do not, and a state as long as before."""
    calls = []
    for at in range(100, 10_001, 100):
        calls += [(at, bar.BATCH, 2.0 if at > 9000 else 1.0, 50), (at, 1, 0.1, 0)]

    grown = bar.growth(calls, 10_000, 0)

    assert grown["batch"] == (2.0, 2.0, 2.0)
    assert grown["look"] == (1.0, 1.0, 1.0)
    assert grown["memory"] == (1.0, 1.0, 1.0)


def test_every_interaction_is_taken_once_by_batches_and_one_by_one():
    """Two thousand: ten batches of a hundred, then a thousand looks, and the state at each thousand."""
    rows = bar.interactions(2000, 0, embedded=False)
    calls = list(bar.watched(rows, np.zeros((0, 0), np.float32)))

    assert sum(call[1] for call in calls) == 2000
    assert [call[1] for call in calls].count(1) == 1000
    assert [call[0] for call in calls if call[3]] == [1000, 2000]
